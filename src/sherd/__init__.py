"""Sherd: find and describe cultural relics by what is in them."""
