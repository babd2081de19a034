"""The questions people ask: physics and statistics meet here."""
