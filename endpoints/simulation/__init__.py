"""Simulated points for the demo and the tests: peers with an agent each, on lines that can be
impaired."""
