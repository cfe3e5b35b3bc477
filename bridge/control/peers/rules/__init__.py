"""Rules of what bridges tell each other. Pure."""
