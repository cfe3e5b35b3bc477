"""A raw WebRTC peer on one UDP socket: ICE (full, both roles), DTLS client, SRTP AES-128-GCM.

No media engine: the benchmark seals the packets it sends and opens a sample of what it gets.
Every SFU negotiates the same SRTP profile, because the DTLS client offers only that one.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from OpenSSL import SSL

from bridge.media import srtp, stun
from bridge.media.dtls import EXPORTER, colon_hex, self_signed
from bridge.media.shell.udp import SO_TIMESTAMPNS, enlarge_buffers

HOST = "127.0.0.1"
SOCKET_BUFFER = 8 << 20
ATTR_ICE_CONTROLLED = 0x8029
CHECK_EVERY = 0.1  # seconds between checks until answered
ALIVE_EVERY = 2.0  # seconds between checks afterwards


class Identity:
    """One certificate for all peers of a run."""

    def __init__(self) -> None:
        key, certificate = self_signed("peer", datetime.datetime.now(datetime.UTC))
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_tlsext_use_srtp(srtp.AEAD_AES_128_GCM.openssl_name)
        self.fingerprint = colon_hex(certificate.fingerprint(hashes.SHA256()))


@dataclass(eq=False, slots=True)
class Peer:
    """One transport. ``controlling`` where we nominate; the DTLS role is always client."""

    name: str
    identity: Identity
    controlling: bool = True
    sock: socket.socket = field(init=False)
    port: int = field(init=False)
    ufrag: str = field(init=False)
    password: str = field(init=False)
    remote_ufrag: str = ""
    remote_password: str = ""
    target: tuple[str, int] | None = None
    checked: bool = False  # our check was answered
    nominated: bool = False  # theirs came with USE-CANDIDATE
    keys: srtp.MasterKeys | None = None
    profile: str = ""
    outbound: srtp.Outbound | None = None
    open_seal: Callable[[bytes, bytes, bytes], bytes] | None = None
    open_salt: int = 0
    # counted by the generator
    received: int = 0
    streams: dict[bytes, int] = field(default_factory=dict)
    other: int = 0
    _tls: SSL.Connection | None = None
    _check_at: float = 0.0
    _tls_at: float = 0.0

    def __post_init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        enlarge_buffers(self.sock, SOCKET_BUFFER)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind((HOST, 0))
        self.port = self.sock.getsockname()[1]
        self.ufrag = os.urandom(4).hex()
        self.password = os.urandom(16).hex()

    def remote(self, ufrag: str, password: str, target: tuple[str, int] | None = None) -> None:
        """What the SFU said in its description."""
        self.remote_ufrag, self.remote_password = ufrag, password
        if target is not None:
            self.candidate(*target)

    def candidate(self, host: str, port: int) -> None:
        """The first candidate on loopback is taken; no other address is ever sent to."""
        if self.target is None and host == HOST:
            self.target = (host, port)

    @property
    def ready(self) -> bool:
        return self.keys is not None

    def tick(self, now: float) -> None:
        """Send what is due: checks, the handshake, keep-alives."""
        if self.target is None or not self.remote_password:
            return
        if now >= self._check_at:
            self._check_at = now + (ALIVE_EVERY if self.ready else CHECK_EVERY)
            self._send(self._check())
        may = self.checked if self.controlling else self.nominated
        if self.keys is None and may:
            if self._tls is None:
                self._tls = SSL.Connection(self.identity.context, None)
                self._tls.set_connect_state()
                self._tls.set_ciphertext_mtu(1200)
                self._handshake(b"")
                self._tls_at = now
            elif now - self._tls_at > 0.3:
                self._tls_at = now
                with contextlib.suppress(SSL.Error):
                    self._tls.DTLSv1_handle_timeout()
                self._flush()

    def handle(self, data: bytes, address: tuple[str, int]) -> None:
        """Anything that is not SRTP."""
        first = data[0]
        if first < 4:
            self._stun(data, address)
        elif 20 <= first <= 63 and self._tls is not None:
            self._handshake(data)

    def close(self) -> None:
        self.sock.close()

    def _check(self) -> bytes:
        attributes = stun.attribute(
            stun.ATTR_USERNAME, f"{self.remote_ufrag}:{self.ufrag}".encode()
        )
        attributes += stun.attribute(stun.ATTR_PRIORITY, (1853824767).to_bytes(4, "big"))
        if self.controlling:
            attributes += stun.attribute(stun.ATTR_ICE_CONTROLLING, b"\xff" * 8)
            attributes += stun.attribute(stun.ATTR_USE_CANDIDATE, b"")
        else:
            attributes += stun.attribute(ATTR_ICE_CONTROLLED, b"\0" * 7 + b"\1")
        return stun.seal(
            stun.BINDING_REQUEST, os.urandom(12), attributes, self.remote_password.encode()
        )

    def _stun(self, data: bytes, address: tuple[str, int]) -> None:
        message = stun.parse(data)
        if message is None:
            return
        if message.method == stun.BINDING_SUCCESS:
            self.checked = True
        elif message.method == stun.BINDING_REQUEST and address[0] == HOST:
            if message.use_candidate:
                self.nominated = True
                if not self.controlling:
                    self.target = address
            elif self.target is None:
                self.target = address
            self._send(
                stun.binding_success(message.transaction, address, self.password.encode()),
                address,
            )

    def _handshake(self, datagram: bytes) -> None:
        tls = self._tls
        assert tls is not None
        if datagram:
            tls.bio_write(datagram)
        if self.keys is None:
            try:
                tls.do_handshake()
                self._finish(tls)
            except SSL.WantReadError:
                pass
        else:  # alerts, or application data (SCTP) that nobody reads
            with contextlib.suppress(SSL.Error):
                tls.recv(65536)
        self._flush()

    def _flush(self) -> None:
        assert self._tls is not None
        stream = b""
        with contextlib.suppress(SSL.Error):
            while True:
                stream += self._tls.bio_read(65536)
        # One DTLS record is at most one datagram; several together stay below the MTU.
        while stream:
            size = 0
            while size < len(stream):
                step = 13 + int.from_bytes(stream[size + 11 : size + 13], "big")
                if size and size + step > 1200:
                    break
                size += step
            self._send(stream[:size])
            stream = stream[size:]

    def _finish(self, tls: SSL.Connection) -> None:
        chosen = tls.get_selected_srtp_profile()
        profile = next(p for p in srtp.PROFILES if p.openssl_name == chosen)
        size = 2 * (profile.key_size + profile.salt_size)
        material = tls.export_keying_material(EXPORTER, size)
        self.keys = srtp.MasterKeys.from_exporter(profile, material, is_server=False)
        self.profile = profile.name
        self.outbound = srtp.Outbound(self.keys)
        inbound = srtp.Outbound(srtp.MasterKeys(profile, b"", self.keys.inbound))
        key = srtp.derive(
            self.keys.inbound[:16], self.keys.inbound[16:], srtp.LABEL_RTP_ENCRYPTION, 16
        )
        self.open_seal = AESGCM(key).decrypt
        self.open_salt = inbound.salt

    def _send(self, data: bytes, target: tuple[str, int] | None = None) -> None:
        target = target or self.target
        if target is not None:
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                self.sock.sendto(data, target)


class Pump:
    """Runs ICE and DTLS of all peers in a thread until it is stopped; the generator takes over
    afterwards. Peers may be added at any time."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.error: BaseException | None = None
        self._by_fd: dict[int, Peer] = {}
        self._poll = select.poll()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, peer: Peer) -> None:
        fd = peer.sock.fileno()
        self._by_fd[fd] = peer
        self.peers.append(peer)
        self._poll.register(fd, select.POLLIN)

    def wait(self, count: int, timeout: float, meanwhile: Callable[[], None] | None = None) -> None:
        """Until ``count`` peers have keys; ``meanwhile`` is called ten times a second."""
        deadline = time.monotonic() + timeout
        while sum(p.ready for p in list(self.peers)) < count:
            if self.error is not None:
                raise RuntimeError("the pump died") from self.error
            if time.monotonic() > deadline:
                late = [
                    f"{p.name} (target {p.target}, checked {p.checked}, nominated {p.nominated})"
                    for p in self.peers
                    if not p.ready
                ]
                raise TimeoutError(
                    f"{len(self.peers) - len(late)} of {count} peers ready; late: {late[:4]}"
                )
            if meanwhile is not None:
                meanwhile()
                time.sleep(0.08)
            time.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for fd, _ in self._poll.poll(5):
                    peer = self._by_fd[fd]
                    with contextlib.suppress(BlockingIOError):
                        for _ in range(32):
                            data, address = peer.sock.recvfrom(2048)
                            if data and data[0] < 64:
                                peer.handle(data, address)
                now = time.monotonic()
                for peer in list(self.peers):
                    peer.tick(now)
        except BaseException as error:
            self.error = error
