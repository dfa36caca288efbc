"""What an operator reads, and what runs by itself: maintenance, lines, progress."""
