"""What runs at a point: the client of the bridge, media sources, simulated points."""
