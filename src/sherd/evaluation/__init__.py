"""Measuring a model on records whose truth is known, through the same functions that serve users."""
