"""Serve: a trained model behind HTTP, for the page, for phones and for other programs. Needs no torch."""
