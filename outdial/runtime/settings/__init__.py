"""Settings from the environment and files, checked."""
