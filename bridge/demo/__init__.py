"""The demo: a bridge and simulated points on loopback."""
