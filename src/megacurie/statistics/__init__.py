"""Statistics: callables and arrays; knows no physics and could fit anything."""
