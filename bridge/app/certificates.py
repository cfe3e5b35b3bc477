"""The server's certificate, and a local authority that makes one where there is no other."""

from __future__ import annotations

import datetime
import ipaddress
import re
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bridge.app.errors import StartError
from bridge.base.files import PUBLIC, write_private
from config.schema import Tls

CA_CERTIFICATE, CA_KEY = "ca.crt", "ca.key"
CERTIFICATE, KEY = "server.crt", "server.key"
NAME = re.compile(r"(\*\.)?(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
CA_YEARS = 10
SERVER_DAYS = 397  # browsers take no longer ones


class ServerCertificate:
    """Finds and loads the server's certificate: the one configured (``tls``, relative to
    ``base``), else one of our own authority in ``folder``. Looked up each time: it may be made or
    renewed."""

    def __init__(self, tls: Tls | None, base: Path, folder: Path) -> None:
        self._tls = tls
        self._base = base
        self._folder = folder

    def pair(self) -> tuple[Path, Path] | None:
        """Certificate and key; None where there are none."""
        if self._tls is not None:
            return self._base / self._tls.certificate, self._base / self._tls.key
        own = self._folder / CERTIFICATE
        return (own, self._folder / KEY) if own.exists() else None

    def file(self) -> Path | None:
        """The certificate; None where there is none."""
        pair = self.pair()
        return pair[0] if pair is not None else None

    @property
    def authority_file(self) -> Path:
        """The certificate of our own authority, where there is one."""
        return self._folder / CA_CERTIFICATE

    async def authority(self) -> str:
        """The certificate of our own authority (PEM), for kiosks; "" where there is none."""
        path = self.authority_file
        return path.read_text("ascii") if path.exists() else ""

    def sign(self, data: bytes) -> bytes:
        """A detached signature of some octets by this certificate (CMS, RFC 5652, DER); b"" where
        there is none. Raises OSError, ValueError where it cannot be used."""
        pair = self.pair()
        if pair is None:
            return b""
        certificate, *others = x509.load_pem_x509_certificates(pair[0].read_bytes())
        key = serialization.load_pem_private_key(pair[1].read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError("the certificate's key is of another kind than EC and RSA")
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
        builder = builder.add_signer(certificate, key, hashes.SHA256())
        for other in others:
            builder = builder.add_certificate(other)
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        return builder.sign(serialization.Encoding.DER, options)

    def context(self) -> ssl.SSLContext | None:
        """TLS of the web server; None where there is no certificate. Raises `StartError`."""
        pair = self.pair()
        if pair is None:
            return None
        certificate, key = pair
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise StartError(
                f"The certificate {certificate} or its key cannot be used: {error}."
            ) from None
        return context


def is_host(text: str) -> bool:
    """Whether a text is a host name (RFC 1123 section 2.1), a wildcard, or an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and bool(NAME.fullmatch(text))
    return True


def create(
    folder: Path, hosts: list[str], owner: str, now: datetime.datetime, secret: str = ""
) -> list[Path]:
    """Make the authority where there is none, and a new certificate of the server.
    ``hosts`` are names and addresses of the server; ``secret`` encrypts the authority's key, also
    one that was not encrypted before. Returns the paths. Raises ValueError with a sentence where
    the key cannot be decrypted."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca_path, ca_key_path = folder / CA_CERTIFICATE, folder / CA_KEY
    if ca_path.exists() and ca_key_path.exists():
        ca = x509.load_pem_x509_certificate(ca_path.read_bytes())
        ca_key = _ca_key(ca_key_path.read_bytes(), secret)
        if secret:
            write_private(ca_key_path, _pem(ca_key, secret))
    else:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _authority(ca_key, owner, now)
        write_private(ca_key_path, _pem(ca_key, secret))
        write_private(ca_path, ca.public_bytes(serialization.Encoding.PEM), PUBLIC)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _server(key, ca, ca_key, hosts, now)
    write_private(folder / KEY, _pem(key))
    chain = certificate.public_bytes(serialization.Encoding.PEM)
    write_private(folder / CERTIFICATE, chain, PUBLIC)
    return [ca_path, folder / CERTIFICATE, folder / KEY]


def _authority(
    key: ec.EllipticCurvePrivateKey, owner: str, now: datetime.datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Diem Cau CA: {owner}"[:64])])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    hosts: list[str],
    now: datetime.datetime,
) -> x509.Certificate:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=SERVER_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _ca_key(pem: bytes, secret: str) -> ec.EllipticCurvePrivateKey:
    try:
        try:
            loaded = serialization.load_pem_private_key(pem, secret.encode() or None)
        except TypeError:  # it is not encrypted yet, or no secret was given
            loaded = serialization.load_pem_private_key(pem, None)
    except (TypeError, ValueError):
        raise ValueError(
            "The authority's key is encrypted with another secret. Give the one it was made with: "
            "ca init --secret FILE."
        ) from None
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def _pem(key: ec.EllipticCurvePrivateKey, secret: str = "") -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        (
            serialization.BestAvailableEncryption(secret.encode())
            if secret
            else serialization.NoEncryption()
        ),
    )
