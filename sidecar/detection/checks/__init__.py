"""Plausibility tests on what a pattern matched, by topic; ``registry`` looks them up by name."""
