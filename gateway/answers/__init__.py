"""What clients are told of their files."""
