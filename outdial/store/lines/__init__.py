"""Lines: their limits, kinds and health."""
