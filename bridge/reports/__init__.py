"""Reports and calendars as files."""
