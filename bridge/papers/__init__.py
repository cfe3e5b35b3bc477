"""Papers of conferences: taken in, checked, kept by content, and drawn as pictures."""
