"""The health of points' lines: watching, readiness, incidents."""
