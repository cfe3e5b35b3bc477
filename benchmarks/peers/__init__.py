"""This worker and other SFUs under one load: see `benchmarks.peers.__main__`."""
