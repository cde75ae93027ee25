"""Benchmarks: each module here with a `main()` prints figures and a ratio against its baseline.

`python -m benchmarks` runs them all, `python -m benchmarks blobs` one. Ratios hold better than
times: baseline and subject run in the same process, in turns.
"""
