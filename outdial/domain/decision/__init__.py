"""May this recipient be called now, and if not, when or why never."""
