"""Recordings in the control process: asked for, watched, finished, listed and deleted."""
