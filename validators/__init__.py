"""Frames in, findings out. One module a rule, or one family of rules of the same kind."""
