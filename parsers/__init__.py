"""Bytes in, frames out. One module a format: payment files and bank feedback alike."""
