"""HTTP and WebSocket shells, sessions, and the pure negotiation SDP offer → answer."""
