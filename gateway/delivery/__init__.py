"""Submissions out to providers, exactly once; what stands before a release, and what becomes of one that nobody knows of."""
