"""The command line: wiring and words only."""
