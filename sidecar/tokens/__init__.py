"""Originals to tokens and back, one to one, for one exchange."""
