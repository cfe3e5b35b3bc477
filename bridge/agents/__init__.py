"""Endpoint agents: which are connected, and the messages between them and the bridge."""
