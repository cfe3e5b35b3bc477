"""WebRTC peers in Python: connection, camera, test card and tone."""
