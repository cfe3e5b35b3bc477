"""The compiled turn between sockets: system calls around `bridge.media.hot`.

A worker's event loop waits inside `serve` (`bridge.media.shell.turn_selector`): as long as what
arrives is forwarded here and nothing else is due, no line of Python runs.
"""

from __future__ import annotations

import ctypes
import errno
import socket
from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]

from bridge.media.congestion.book import HELD_UP
from bridge.media.core import MediaCore
from bridge.media.hot.arrival import take_in
from bridge.media.hot.arrivals_told import read_feedback
from bridge.media.hot.compiling import IN_PYTHON, compiled, entry
from bridge.media.hot.departure import doubt, lay_out
from bridge.media.hot.following import Following
from bridge.media.hot.native import INT, POINTER, UNSIGNED, function, libc
from bridge.media.hot.world import (
    ARRIVALS,
    BOOK,
    DATAGRAMS,
    EMPTY,
    EVENTS,
    MESSAGE,
    SOCKETS,
    STAMP,
    TIMINGS,
    World,
)
from bridge.media.transport import Address

MSG_DONTWAIT = 0x40  # Linux
CLOCK_REALTIME, CLOCK_MONOTONIC = 0, 1
SOL_SOCKET, SO_TIMESTAMPNS = 1, 35  # asm-generic/socket.h
DELAY_SAMPLE = 16  # of one turn in so many the first datagram is timed from its arrival
PAUSE = 250_000  # nanoseconds: see `_pause`
FLOOD = 0.002  # seconds between two turns that read nothing but junk, below which it is a flood
NO_SOCKET = -1
NO_EPOLL = -1
MESSAGE_SIZE = MESSAGE.itemsize
STAMP_SIZE = STAMP.itemsize
ADDRESSES_KEPT = 4096  # socket names whose addresses are remembered

recvmmsg = function(libc, "recvmmsg", INT, INT, POINTER, UNSIGNED, INT, POINTER)
sendmmsg = function(libc, "sendmmsg", INT, INT, POINTER, UNSIGNED, INT)
sendto = function(libc, "sendto", POINTER, INT, POINTER, POINTER, INT, POINTER, UNSIGNED)
clock_gettime = function(libc, "clock_gettime", INT, INT, POINTER)
epoll_wait = function(libc, "epoll_wait", INT, INT, POINTER, INT, INT)
nanosleep = function(libc, "nanosleep", INT, POINTER, POINTER)

EAGAIN = errno.EAGAIN
REFUSED = (errno.EIO, errno.EINVAL)  # by kernels and cards that cannot segment

if IN_PYTHON:

    def last_error() -> int:
        return ctypes.get_errno()

else:
    errno_location = function(libc, "__errno_location", types.CPointer(types.int32))  # type: ignore[no-untyped-call]

    @compiled
    def last_error() -> int:
        return int(carray(errno_location(), (1,))[0])


@entry
def serve(world: World, epoll: int, milliseconds: int, number: int) -> int:
    """Forward until the time is over (-1: never), something is left for Python, or another
    descriptor of the ``epoll`` instance than a socket is ready; return how many others are:
    ``events`` begins with them. ``left`` is the number of the socket whose turn left something,
    or `EMPTY`. With `NO_EPOLL` one turn of the socket ``number`` is taken, and the datagrams
    counted."""
    if epoll == NO_EPOLL:
        return _turn(world[0], number)
    return _serve(world[0], epoll, milliseconds)


@compiled
def _serve(w: World, epoll: int, milliseconds: int) -> int:
    # Whose turn left something waits until the others have had theirs: a flood of what is Python's
    # at one address would keep the others from being read at all.
    first = w.left + 1
    w.left = EMPTY
    _look_at_the_clock(w)
    end = w.now + milliseconds * 1e-3
    while True:
        ready = epoll_wait(epoll, w.events_at, EVENTS, milliseconds)
        others = 0
        read = 0
        wanted = 0  # a bit for each socket that can be read
        for i in range(ready):
            socket_number = _number_of(w, w.events[i].descriptor)
            if socket_number == NO_SOCKET:
                w.events[others].mask = w.events[i].mask
                w.events[others].descriptor = w.events[i].descriptor
                others += 1
            else:
                wanted |= 1 << socket_number
        for i in range(SOCKETS):
            if not wanted or w.left != EMPTY:  # what is left here is ready the next time, too
                break
            socket_number = (first + i) % SOCKETS
            if wanted >> socket_number & 1:
                wanted ^= 1 << socket_number
                read += _turn(w, socket_number)
                if w.odd or w.rests:
                    w.left = socket_number
        if ready <= 0 or others or w.left != EMPTY or _books_are_full(w):
            return others
        if milliseconds >= 0:
            _look_at_the_clock(w)
            if w.now >= end:
                return 0
            milliseconds = int(np.ceil((end - w.now) * 1e3))
        if read:
            _pause(w)


@compiled
def _number_of(w: World, descriptor: int) -> int:
    for number in range(SOCKETS):
        if w.sockets[number] == descriptor:
            return number
    return NO_SOCKET


@compiled
def _books_are_full(w: World) -> bool:
    """Whether Python has to collect what it is told of before the next turn."""
    return w.arrived > ARRIVALS - DATAGRAMS or w.sent > BOOK // 2 or w.timed > TIMINGS - 1


@compiled
def _pause(w: World) -> None:
    """In a flood of junk let some of it gather: what a datagram costs is being woken for it. A
    packet that comes meanwhile waits for 0.25 ms."""
    if w.waiting:
        return
    if w.now - w.junk_at < FLOOD:
        w.clock[0] = 0
        w.clock[1] = PAUSE
        nanosleep(w.clock_at, 0)
    w.junk_at = w.now


@compiled
def _turn(w: World, number: int) -> int:
    """Forward all that has arrived on a socket, once; return how many datagrams that were."""
    w.odd = 0
    w.rests = 0
    w.waiting = 0
    got = recvmmsg(w.sockets[number], w.received_messages_at, np.uint32(DATAGRAMS), MSG_DONTWAIT, 0)
    if got <= 0:
        return 0
    _look_at_the_clock(w)
    take_in(w, got, w.now)
    while lay_out(w):
        began = w.now
        _send(w)
        # Each receiver's packets say when they left and are booked so: on a busy machine this
        # process may have stood still since the last ones, or in the middle of these.
        _look_at_the_clock(w)
        if w.now - began > HELD_UP:
            doubt(w)
    w.sampled = w.turn % DELAY_SAMPLE == 0
    if w.sampled and w.waiting and not w.rests and w.timed < TIMINGS:
        _note_delay(w)
    return int(got)


@compiled
def _note_delay(w: World) -> None:
    """How long ago the turn's first datagram arrived, by the kernel's clock."""
    stamp = w.received_control[0]
    if w.stamped >= STAMP_SIZE and stamp.level == SOL_SOCKET and stamp.kind == SO_TIMESTAMPNS:
        clock_gettime(CLOCK_REALTIME, w.clock_at)
        whole = w.clock[0] - stamp.seconds
        w.timings[w.timed] = max(0.0, whole + (w.clock[1] - stamp.nanoseconds) * 1e-9)
        w.timed += 1


def turn(world: World, number: int) -> int:
    """One turn of a socket alone; return how many datagrams were read."""
    return int(serve(world, NO_EPOLL, 0, number))


@entry
def read(world: World, row: int, size: int) -> bool:
    """Take in what the ``feedback`` of ``size`` octets of a transport's row says."""
    return read_feedback(world[0], row, size)


@compiled
def _look_at_the_clock(w: World) -> None:
    clock_gettime(CLOCK_MONOTONIC, w.clock_at)
    w.now = w.clock[0] + w.clock[1] * 1e-9


@compiled
def _send(w: World) -> None:
    """Send the messages that are laid out, in as few calls as the kernel allows."""
    done = 0
    descriptor = w.sockets[w.socket]
    while done < w.messages:
        sent = sendmmsg(
            descriptor,
            w.sent_messages_at + done * MESSAGE_SIZE,
            np.uint32(w.messages - done),
            MSG_DONTWAIT,
        )
        if sent > 0:
            for n in range(done, done + sent):
                if w.sent_counts[n] > 1:
                    w.gso_batches += 1
                    w.gso_segments += w.sent_counts[n]
                else:
                    w.sends_single += 1
            done += sent
            continue
        error = last_error()
        if error == EAGAIN:
            w.send_blocked += w.sent_counts[done]
        elif w.sent_counts[done] > 1 and error in REFUSED:
            w.gso = 0  # the kernel or card refuses; this one and all later ones go singly
            _singly(w, done)
        else:
            w.send_error += w.sent_counts[done]
        done += 1


@compiled
def _singly(w: World, n: int) -> None:
    """The segments of a message as datagrams of their own."""
    base = w.sent_vectors[n].base
    left = w.sent_vectors[n].length
    message = w.sent_messages[n]
    while left > 0:
        size = min(left, w.sent_sizes[n])
        sent = sendto(
            w.sockets[w.socket], base, size, MSG_DONTWAIT, message.name, message.name_length
        )
        if sent >= 0:
            w.sends_single += 1
        elif last_error() == EAGAIN:
            w.send_blocked += 1
        else:
            w.send_error += 1
        base += size
        left -= size


class CompiledTurn:
    """Calls `turn`, and takes from it what is Python's part."""

    def __init__(self, core: MediaCore, following: Following) -> None:
        self._core = core
        self._following = following
        self._w = following.world[0]
        self._columns = following.columns
        self._addresses: dict[bytes, Address] = {}
        following.read_by(read)

    def close(self) -> None:
        """Python forwards from now on."""
        self._following.read_by(None)

    def use(self, sockets: list[socket.socket], gso: bool) -> None:
        """These are read from and sent by, as transports number them; with segmentation by the
        kernel, where that was not refused before."""
        if len(sockets) > SOCKETS:
            raise ValueError(f"More than {SOCKETS} addresses to listen on.")
        self._w["sockets"][:] = NO_SOCKET
        for number, sock in enumerate(sockets):
            self._w["sockets"][number] = sock.fileno()
        self._columns["gso"][0] = gso

    def take(self, number: int) -> int:
        """One turn of a socket. Afterwards `rest` and `odds` are to be looked at."""
        self._prepare()
        return turn(self._following.world, number)

    def wait(self, epoll: int, milliseconds: int) -> list[tuple[int, int]]:
        """Wait for an ``epoll`` instance, -1: for ever, and forward what arrives meanwhile; return
        other descriptors that are ready and their events. Afterwards `left` is to be looked
        at."""
        self._prepare()
        ready = serve(self._following.world, epoll, milliseconds, NO_SOCKET)
        if not ready:
            return []
        found: list[tuple[int, int]] = [
            (descriptor, mask) for mask, descriptor in self._w["events"][:ready].tolist()
        ]
        return found

    def _prepare(self) -> None:
        self._following.refresh(self._core.ice.asked)
        columns = self._columns
        columns["unix_offset"][0] = self._core.unix_offset
        if columns["arrived"][0] > ARRIVALS - DATAGRAMS or columns["sent"][0] > BOOK // 2:
            self._following.collect(self._core.counters)

    @property
    def left(self) -> int:
        """The socket whose turn ended `wait`, because there is something for Python; negative:
        none."""
        number: int = self._columns["left"][0]
        return number

    @property
    def sampled(self) -> bool:
        """Whether Python is to time the last turn: the compiled one cannot, where something is
        left."""
        return bool(self._columns["sampled"][0] and self._columns["rests"][0])

    def delays(self) -> list[float]:
        """Seconds in which sampled datagrams were forwarded, since this was asked last."""
        count = self._columns["timed"][0]
        self._columns["timed"][0] = 0
        taken: list[float] = self._w["timings"][:count].tolist() if count else []
        return taken

    @property
    def now(self) -> float:
        """Monotonic seconds at the end of the last turn."""
        now: float = self._columns["now"][0]
        return now

    @property
    def gso(self) -> bool:
        """Whether the kernel segments what is sent."""
        return bool(self._columns["gso"][0])

    def collect(self) -> None:
        self._following.collect(self._core.counters)

    def stamp(self) -> bytes:
        """Ancillary data of the last turn's first datagram."""
        return bytes(self._w["received_control"].tobytes()[: self._columns["stamped"][0]])

    def rest(self) -> list[Any]:
        if not self._columns["rests"][0]:
            return []
        self.collect()  # what was sent before comes first in the books, too
        return self._following.rest()

    def odds(self) -> list[tuple[bytes, Address]]:
        """Datagrams of the last turn that are left to Python, in their order."""
        count = self._columns["odd"][0]
        if not count:
            return []
        self.collect()
        w = self._w
        found = []
        for i in w["odds"][:count].tolist():
            data = bytes(w["received"][i, : w["received_messages"][i]["length"]])
            found.append((data, self._address(bytes(w["received_names"][i]))))
        return found

    def _address(self, name: bytes) -> Address:
        """A socket address as `socket.recvfrom` gives it."""
        address = self._addresses.get(name)
        if address is None:
            if len(self._addresses) >= ADDRESSES_KEPT:
                self._addresses.clear()
            address = self._addresses[name] = read_name(name)
        return address


def read_name(name: bytes) -> Address:
    """An address of a sockaddr_in or sockaddr_in6 of Linux."""
    family = int(np.frombuffer(name[:2], np.uint16)[0])
    port = int.from_bytes(name[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    scope = int(np.frombuffer(name[24:28], np.uint32)[0])
    host = socket.inet_ntop(socket.AF_INET6, name[8:24])
    if scope:
        host += "%" + socket.if_indextoname(scope)
    return host, port, int.from_bytes(name[4:8], "big"), scope


def compile_now(following: Following) -> None:
    """Compile the turn, or load it from where it is kept. Nothing is sent or received."""
    following.world[0]["sockets"][:] = NO_SOCKET
    turn(following.world, 0)
    read(following.world, 0, 0)
