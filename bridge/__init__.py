"""Điểm Cầu: a multi-point video-conference bridge for a dedicated network."""

__version__ = "0.1.0"
