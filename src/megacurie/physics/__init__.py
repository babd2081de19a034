"""Physics: sources, materials, geometry, channels, hypotheses. Knows no statistics."""
