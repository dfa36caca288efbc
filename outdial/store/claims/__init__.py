"""Claims and fences: which calls may start, the limits they keep, and the slots they hold."""
