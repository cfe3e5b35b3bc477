"""Running conferences: the one writer, sessions of clients, and the media worker."""
