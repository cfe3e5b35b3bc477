"""What conferences may send over the tree of links: needs, promises, bounds. Pure; kbit/s."""
