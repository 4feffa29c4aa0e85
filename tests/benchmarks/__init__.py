"""Measure envgen's whole process beside bare solvers and beside conda-lock: `python -m tests.benchmarks`."""
