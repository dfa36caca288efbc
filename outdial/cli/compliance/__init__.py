"""Commands about calling rules, suppressed numbers, and why a number is called or not."""
