"""Experiments: physics composed into one kernel, and the cards that describe them."""
