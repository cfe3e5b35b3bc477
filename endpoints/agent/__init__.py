"""The endpoint agent, which runs beside a room's browser."""
