"""Learning: examples in memory, losses as pure functions, one plain loop."""
