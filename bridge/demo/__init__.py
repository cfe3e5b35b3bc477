"""The demo: a bridge and simulated points on loopback, whose pictures and sounds are verified."""
