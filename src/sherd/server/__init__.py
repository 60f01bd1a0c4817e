"""The web server: an API and a page in front of the functions that the command line calls."""
