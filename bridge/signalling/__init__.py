"""Signalling: messages of rooms and pages, and the negotiation of SDP offer and answer. Pure."""
