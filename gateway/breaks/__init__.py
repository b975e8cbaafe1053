"""What does not explain itself, as work for people."""
