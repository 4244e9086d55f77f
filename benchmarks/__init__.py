"""Measurements against named rivals, on the same file, in the same minutes: ``python -m benchmarks`` from the root."""
