"""One call: its states and events, what its end means, and what follows from it."""
