"""Ground floor: errors, units, arrays, parameters, provenance, measurements, display. Knows nothing of neutrinos."""
