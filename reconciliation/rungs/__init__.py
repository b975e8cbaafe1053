"""The rungs of the matching ladder, one module each, found by name: each holds a constant RUNG."""
