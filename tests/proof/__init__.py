"""Tests of `bridge.proof`."""
