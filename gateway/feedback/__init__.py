"""What providers send back, applied once; what should have come and has not."""
