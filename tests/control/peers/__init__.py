"""Other bridges: what is told, what is believed, and what media follows."""
