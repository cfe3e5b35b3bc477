"""Who only watches: who is let in, how many links carry, and what they are shown."""
