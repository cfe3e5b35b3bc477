"""The worker's I/O: sockets, event loop, control socket."""
