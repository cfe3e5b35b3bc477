"""Simulated points for the demo and the tests."""
