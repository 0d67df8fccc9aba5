"""Lets ``python -m sidecar`` stand for ``pii-sidecar``."""

from sidecar.cli.main import main

main()
