"""The STAMP session reflector (RFC 8762)."""
