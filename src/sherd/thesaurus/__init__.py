"""Thesauri: SKOS and Iconclass read into concepts, and what is broader than what."""
