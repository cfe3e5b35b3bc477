"""Mutual TLS between bridges: each shows a certificate, and takes those alone that its topology
names. No authority is asked, and no name is looked at."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from bridge.base.files import PUBLIC, write_private
from config.peers_schema import Peering

CERTIFICATE, KEY = "between-bridges.crt", "between-bridges.key"
YEARS = 5  # of a certificate of our own: it is renewed by hand, on both sides
IDENTITY = 16  # hexadecimal digits of a bridge's identity


class PinProblem(Exception):
    """A certificate cannot be used; the text is a sentence that says why."""


class Pinned(NamedTuple):
    """A certificate that a peer may show."""

    pem: str
    digest: str
    expires: datetime.datetime


def digest_of(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's public key (SubjectPublicKeyInfo, RFC 7469), hexadecimal."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def digest_of_der(der: bytes) -> str:
    """The same, of a certificate as TLS gives it."""
    return digest_of(x509.load_der_x509_certificate(der))


def read_pinned(file: Path) -> Pinned:
    """A peer's certificate. Raises `PinProblem`."""
    try:
        text = file.read_text("ascii")
        found = x509.load_pem_x509_certificate(text.encode())
    except OSError as error:
        raise PinProblem(
            f"The certificate {file} cannot be read: {error.strerror}. Ask the other bridge for "
            "what `bridge.py peer show` prints there."
        ) from None
    except ValueError:
        raise PinProblem(f"{file} is no certificate in PEM.") from None
    return Pinned(text, digest_of(found), found.not_valid_after_utc)


def own_pair(peering: Peering, folder: Path, state: Path) -> tuple[Path, Path]:
    """Where our certificate and its key lie: what the topology names in its ``folder``, else what
    `make` puts into the ``state`` folder."""
    if peering.certificate is not None and peering.key is not None:
        return folder / peering.certificate, folder / peering.key
    return state / CERTIFICATE, state / KEY


def make(folder: Path, name: str, now: datetime.datetime) -> Path:
    """Our own certificate and key in a folder, where there are none yet; returns the
    certificate."""
    certificate, key_file = folder / CERTIFICATE, folder / KEY
    if certificate.exists() and key_file.exists():
        return certificate
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Diem Cau: {name}"[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(key_file, pem)
    write_private(certificate, made.public_bytes(Encoding.PEM), PUBLIC)
    return certificate


def context(*, server: bool, own: tuple[Path, Path], peers: Iterable[Pinned]) -> ssl.SSLContext:
    """TLS 1.3 that takes the certificates of these peers and no others, while they are valid.
    Raises `PinProblem` where our own cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    # A certificate that is listed is trusted itself, whoever has signed it.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        made.load_cert_chain(*own)
    except (OSError, ssl.SSLError) as error:
        raise PinProblem(f"The certificate {own[0]} or its key cannot be used: {error}.") from None
    for peer in peers:
        made.load_verify_locations(cadata=peer.pem)
    return made


def reason_of(error: Exception) -> str:
    """Why a handshake failed, as the end of a key of a sentence: expired, unpinned, no_tls, or
    silent. What OpenSSL calls it is in RFC 5280's and RFC 8446's words."""
    text = str(error).lower()
    if isinstance(error, TimeoutError):
        return "silent"
    if "expired" in text or getattr(error, "verify_code", 0) == 10:
        return "expired"
    known = ("unknown_ca", "unknown ca", "verify failed", "bad_certificate", "bad certificate")
    if isinstance(error, ssl.SSLCertVerificationError) or any(word in text for word in known):
        return "unpinned"
    if "certificate_required" in text or "did not return a certificate" in text:
        return "unpinned"
    return "no_tls"
