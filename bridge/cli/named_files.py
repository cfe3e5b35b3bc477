"""Files that a topology names, looked at before a bridge needs them: what is wrong with them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from bridge.app.errors import StartError
from bridge.app.state_folder import read_secret
from bridge.base.mutual_key import KeyProblem, read_key
from bridge.control.peers.pinned import PinProblem, read_pinned
from config.schema import Topology
from config.sip_schema import password_in

MARK = b"-----BEGIN"
PEER_WARNING = 30  # days before a certificate of another bridge expires


class Fault(NamedTuple):
    """What is wrong with a file, as a sentence with what to do. One that is not ``grave`` is told,
    and hinders nothing."""

    said: str
    grave: bool = True


def faults(topology: Topology, base: Path, now: datetime) -> list[Fault]:
    """All that is wrong with the files that a topology names; relative paths are taken from
    ``base``."""
    minutes = topology.bridge.minutes
    found: list[Fault] = []
    for setting, names, look in (
        ("bridge.minutes.trust", minutes.trust, _of_roots),
        ("bridge.minutes.revoked", minutes.revoked, _of_list),
    ):
        for name in names:
            found += _looked(f"{setting}: {name}", base / name, look, now)
    secret = topology.bridge.backup.secret
    if secret is not None:
        found += _of_secret(base / secret)
    for point in topology.points:
        camera = point.camera_control
        if camera is not None and camera.password is not None:
            where = f"points, {point.id}, camera_control.password"
            found += _looked(where, base / camera.password, _of_password, now)
        if point.sip is not None and point.sip.password_file is not None:
            where = f"points, {point.id}, sip.password_file"
            found += _looked(where, base / point.sip.password_file, _of_sip_password, now)
    gateway = topology.bridge.sip
    if gateway is not None and gateway.registrar is not None:
        file = gateway.registrar.password_file
        if file is not None:
            where = "bridge.sip.registrar.password_file"
            found += _looked(where, base / file, _of_sip_password, now)
    for relay in topology.bridge.audience.relays:
        said = _of_key(base / relay.key)
        found += [Fault(f"bridge.audience.relays, {relay.id}: {said}")] if said else []
    for peer in topology.peers:
        for name in peer.certificates:
            found += _of_peer(f"peers, {peer.id}: {name}", base / name, now)
    return found


def _of_peer(where: str, path: Path, now: datetime) -> list[Fault]:
    try:
        known = read_pinned(path)
    except PinProblem as error:
        return [Fault(f"{where}: {error}")]
    if now > known.expires:
        return [Fault(f"{where} expired on {known.expires:%Y-%m-%d}: it is not let in.")]
    if (known.expires - now).days < PEER_WARNING:
        until = f"{known.expires:%Y-%m-%d}"
        return [
            Fault(f"{where} expires on {until}. Ask that bridge for its next one.", grave=False)
        ]
    return []


def _looked(
    where: str, path: Path, look: Callable[[bytes, datetime], Iterator[Fault]], now: datetime
) -> list[Fault]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [Fault(f"{where} is not there. Put the file at {path}, or take its name out.")]
    except PermissionError:
        user = getpass.getuser()
        return [Fault(f"{where} cannot be read by {user}. Let the user of the bridge read {path}.")]
    except OSError as error:
        return [Fault(f"{where} cannot be read: {error.strerror}. Name a file.")]
    return [Fault(f"{where} {said}", grave) for said, grave in look(data, now)]


def _of_roots(data: bytes, now: datetime) -> Iterator[Fault]:
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError:
        yield Fault("holds no certificates in PEM. Bring the root certificate of your authority.")
        return
    for certificate in certificates:
        name = certificate.subject.rfc4514_string() or "without a name"
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now > end:
            yield Fault(
                f"holds a certificate ({name}) that expired on {end:%Y-%m-%d}: signatures without "
                "an earlier time stamp are not trusted under it. Add its successor.",
                grave=False,
            )
        elif now < begin:
            yield Fault(
                f"holds a certificate ({name}) that is valid from {begin:%Y-%m-%d} on. Look at "
                "this machine's clock.",
                grave=False,
            )


def _of_list(data: bytes, now: datetime) -> Iterator[Fault]:
    load = x509.load_pem_x509_crl if data.startswith(MARK) else x509.load_der_x509_crl
    try:
        revoked = load(data)
        until = revoked.next_update_utc
    except ValueError:
        yield Fault("is no list of revoked certificates (PEM or DER). Fetch it anew.")
        return
    if until is not None and now > until:
        yield Fault(
            f"was to be followed by a newer list on {until:%Y-%m-%d}: what was revoked since is "
            "not known. Fetch the newer one.",
            grave=False,
        )


def _of_password(data: bytes, now: datetime) -> Iterator[Fault]:
    if not data.strip():
        yield Fault("is empty. Write the password of the camera's account into it.")


def _of_sip_password(data: bytes, now: datetime) -> Iterator[Fault]:
    try:
        password_in(data)
    except UnicodeDecodeError:
        yield Fault("is no text in UTF-8. Write the password into its first line.")
    except ValueError:
        yield Fault("has an empty first line. Write the password into it.")


def _of_secret(path: Path) -> list[Fault]:
    try:
        read_secret(path, "bridge.backup.secret")
    except StartError as error:
        return [Fault(f"{error} Write a secret of 12 characters or more into it (chmod 600).")]
    return [Fault(said)] if (said := _open_to_others(path)) else []


def _of_key(path: Path) -> str:
    """What is wrong with the key of a relay; "" where nothing is."""
    try:
        read_key(path)
    except KeyProblem as error:
        return str(error)
    return _open_to_others(path)


def _open_to_others(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        return f"Others can read the key {path}; chmod 600 {path} keeps it to its owner."
    return ""
