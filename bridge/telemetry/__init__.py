"""Metrics of the bridge: counting, and collecting them for a scrape."""
