"""Keeps child processes alive from outside; knows neither gRPC nor Envoy."""
