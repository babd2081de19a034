"""The measurement chain of a gallium detector: exposure, extraction, counting."""
