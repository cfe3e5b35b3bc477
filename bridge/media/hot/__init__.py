"""The compiled turn: what a datagram causes, from its arrival to sealed datagrams, in one call.

This is the same forwarding as `bridge.media.intake` and `bridge.media.fanout` do, for the one case
that makes up nearly all traffic: an authentic RTP packet of a known stream that is the next in its
sequence, for slots that show the stream already. Everything else is left to those two, datagram by
datagram. The code is Python that numba translates to machine code when it is first run and keeps
on disk (docs/architecture.md, "The compiled turn").

    arrival     datagrams → packets that wait, in the rings of their layers
    strangers   datagrams that nothing may come of, refused
    departure   packets that wait → sealed datagrams, receiver by receiver
    sent_runs, arrivals_told, delay_trend
                what receivers were sent, and what their feedback says of their lines
    world       the one record of tables that both work on, and its bounds
    rows        layers, slots, transports and budgets whose numbers live in those tables
    receivers   readers of feedback whose numbers live in those tables
    following   tables follow the topology, between two turns
    callers     usernames and our own checks, for whoever is not known by address
    lookup      which transport and layer a datagram is of
    socket_names
                addresses as the kernel has them
    octets      numbers in packets
    cipher      the system's OpenSSL and its cipher contexts
    native      C functions for compiled code
    compiling   how functions are compiled

Nothing up to `following` imports numba: a worker starts without waiting for it.

It is pure like the rest of the worker: no socket, no clock. `bridge.media.shell.compiled` puts the
system calls around it.
"""
