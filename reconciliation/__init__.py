"""Matching, ledger and settlement as pure functions on frames. Knows no storage."""
