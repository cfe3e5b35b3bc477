"""The metrics: their catalogue and the text of a scrape. Pure."""
