"""Benchmarks. They measure; they assert nothing about time."""
