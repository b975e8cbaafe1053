"""Frames in, bytes out. One module a format: provider files, client answers, reports."""
