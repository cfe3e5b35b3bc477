"""A province above districts: two bridges on this machine, and 24 districts of 12 simulated."""
