"""Keys of the rooms, and the token and address by which the command line finds the bridge."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

import yaml

from bridge.accounts import passwords
from bridge.app.errors import StartError
from bridge.base.files import write_private
from bridge.conference.model import PointId
from bridge.proof.signing_key import SigningKey, kept_signing_key
from bridge.store.accounts import Accounts, Device
from bridge.store.database import NotSaved
from config.schema import Topology

log = logging.getLogger("app")

KEY_OCTETS = 24
KEYS = "keys.yaml"
LOCAL_TOKEN = "cli.token"  # noqa: S105 - a file name
LOCAL_ADDRESS = "cli.url"
DEVICE_KEY = "cookie.key"  # signs the cookies of devices that logged in
DELEGATE_KEY = "delegate-codes.key"  # signs the codes with which delegates register
AUDIENCE_KEY = "audience-codes.key"  # makes the codes of audiences


def make_local_token(path: Path) -> str:
    """Write a new token for the command line and return it: whoever can read this file
    administers the bridge."""
    token = secrets.token_urlsafe(KEY_OCTETS)
    try:
        write_private(path, token + "\n")
    except OSError as error:
        log.error("the token of the command line could not be written: %s", error.strerror)
    return token


def kept_key(path: Path) -> bytes:
    """A random key that outlives restarts; one of this run only where it cannot be written."""
    try:
        found = path.read_bytes()
        if len(found) >= KEY_OCTETS:
            return found
    except OSError:
        pass
    key = secrets.token_bytes(32)
    try:
        write_private(path, key)
    except OSError as error:
        log.error("the key %s could not be written: %s", path.name, error.strerror)
    return key


def signing_key(state: Path) -> SigningKey | None:
    """The key that signs logs; None where there is none and none can be written: what ends now is
    signed after a later start. Raises `StartError` where it is damaged."""
    try:
        return kept_signing_key(state)
    except ValueError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        log.error("the key that signs logs could not be made: %s", error.strerror)
        return None


def write_local_address(path: Path, url: str) -> None:
    """Write down where the bridge is, for the command line."""
    try:
        write_private(path, url + "\n")
    except OSError as error:  # the command line will not find us; everybody else does
        log.error("the address for the command line could not be written: %s", error.strerror)


def load_keys(topology: Topology, path: Path) -> dict[PointId, str]:
    """Return the key of every point, generating what is missing.

    Keys in the topology win. The file is readable by its owner only. Raises `StartError`.
    """
    stored: dict[str, str] = {}
    if path.exists():
        try:
            loaded = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise StartError(f"The keys file {path} cannot be read: {error}.") from None
        if not isinstance(loaded, dict) or not all(
            isinstance(k, str) and isinstance(v, str) for k, v in loaded.items()
        ):
            raise StartError(f"The keys file {path} must map points to keys.")
        stored = loaded
    complete = dict(stored)
    for point in topology.points:
        complete.setdefault(point.id, secrets.token_urlsafe(KEY_OCTETS))
    if complete != stored:
        heading = "# Keys of the room PCs. Private: who has a key is the point.\n"
        write_private(path, heading + yaml.safe_dump(complete))
    return {PointId(p.id): p.key or complete[p.id] for p in topology.points}


async def register_keys(accounts: Accounts, keys: dict[PointId, str], now: float) -> None:
    """Enter keys that the store does not know yet as devices. ``now`` is UTC seconds. A store
    that can be read and not written is enough to go on with."""
    hashed: dict[str, PointId] = {}
    for point, key in keys.items():
        hashed.setdefault(passwords.digest(key), point)
    known = await accounts.known_keys(hashed)
    missing = [
        (Device(id=f"keys-{point}-{key[:8]}", point=point, name=KEYS, created=now), key)
        for key, point in hashed.items()
        if key not in known
    ]
    if not missing:
        return
    try:
        await accounts.add_devices(missing)
    except NotSaved as error:
        log.error("the keys of %d rooms could not be saved: %s", len(missing), error)
