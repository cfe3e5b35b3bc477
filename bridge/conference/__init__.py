"""The conference: pure. No clock, no I/O, no randomness, nothing of ours imported."""
