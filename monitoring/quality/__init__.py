"""Levels of quality, line state, rules of incidents and readiness. Pure."""
