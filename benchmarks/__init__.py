"""Benchmarks: each module runs with one command, `python -m benchmarks.NAME`, and writes its figures.

See docs/benchmarks.md for what each one measures and how to run it.
"""
