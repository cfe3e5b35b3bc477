"""The media worker: transports, sources, slots and numbers; no points, chairs or conferences.

Everything here is pure (bytes in, bytes out, ``now`` as an argument) except the shells
``udp`` (sockets), ``worker`` (event loop and control socket) and ``__main__``.
"""
