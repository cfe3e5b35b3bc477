"""Whole-system behaviour in simulated time: the worker's own code, simulated rooms and lines."""
