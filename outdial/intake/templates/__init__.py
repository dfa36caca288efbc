"""Templates of variables and callbacks, rendered within bounds."""
