"""What follows calls: decided when they settle, kept until it is done."""
