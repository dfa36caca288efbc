"""What an agent may ask for while it talks."""
