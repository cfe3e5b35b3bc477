"""STAMP probes (RFC 8762): packets, sessions, sockets."""
