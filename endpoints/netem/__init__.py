"""Network emulation: a seeded impairment model and a UDP relay."""
