"""Side-by-side benchmarks: they measure, print a table, write JSON and draw a plot (`python -m tests.bench`).

Nothing here is a test: no figure makes a run fail. A run fails when it could not measure.
"""
