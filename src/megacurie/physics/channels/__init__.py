"""Interactions and their cross sections."""
