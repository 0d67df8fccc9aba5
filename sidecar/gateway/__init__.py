"""Envoy beside us: its configuration, typed, and its life as a child process."""
