"""Commands for whoever writes a campaign file: check it, print its schema."""
