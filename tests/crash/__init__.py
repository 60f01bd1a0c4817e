"""Killing the writer at any moment, and looking at what is left from a fresh process."""
