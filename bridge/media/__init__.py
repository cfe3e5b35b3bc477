"""The media worker: transports, sources, slots and numbers; no points, chairs or conferences.

Everything here is pure (bytes in, bytes out, ``now`` as an argument) except the package ``shell``:
sockets, event loop and control socket.
"""
