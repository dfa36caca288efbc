"""Lines: which one a call takes, and when one that fails rests."""
