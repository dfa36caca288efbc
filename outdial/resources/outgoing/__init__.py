"""Letters to other people."""
