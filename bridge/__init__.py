"""Điểm Cầu: a multi-point video-conference bridge for a dedicated network."""
