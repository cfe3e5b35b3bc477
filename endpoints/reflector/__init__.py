"""The STAMP session reflector (RFC 8762) of the endpoint agent."""
