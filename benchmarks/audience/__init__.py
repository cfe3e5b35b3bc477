"""The benchmark of an audience on workers of its own."""
