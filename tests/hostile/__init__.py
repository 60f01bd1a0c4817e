"""Malformed inputs, generated: every one must be refused with a reason, and nothing else may suffer."""
