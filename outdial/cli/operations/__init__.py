"""Commands that operate an installation: the embedded stack, its database, lines and keys."""
