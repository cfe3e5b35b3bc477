"""HTTP and WebSocket servers."""
