"""The embedded stack: its processes, their state file, and who watches them."""
