"""Signs a PDF: PAdES (ETSI EN 319 142-1, baseline B, with a time stamp T), by a key in a PKCS#12
file or on a PKCS#11 token. What was signed before stays valid: a signature is added behind it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bridge.proof.pdf_check import MAX_SIGNATURES

FIELD = "Signature"


class NotSignedError(Exception):
    """A PDF cannot be signed. The text is the key of a sentence; ``arguments`` are its own."""

    def __init__(self, key: str, **arguments: str) -> None:
        super().__init__(key)
        self.key = key
        self.arguments = arguments


class Token(NamedTuple):
    """A key on a token: the token's PKCS#11 ``library``, its ``label``, the ``pin``, and the label
    of the ``key``, which its certificate has, too, unless there is a ``certificate`` (PEM)."""

    library: str
    label: str
    pin: str
    key: str
    certificate: bytes = b""


class Wish(NamedTuple):
    """What a signature says beside who made it; ``stamp`` is the address of a time-stamping
    authority (RFC 3161), "": there is none."""

    reason: str = ""
    place: str = ""
    stamp: str = ""


PLAIN = Wish()


def signed_with_file(pdf: bytes, keys: bytes, passphrase: str, wish: Wish = PLAIN) -> bytes:
    """The PDF with a signature by the key in a PKCS#12 file. Raises `NotSignedError`."""
    from pyhanko.sign import signers  # noqa: PLC0415 - most starts sign nothing

    try:
        signer = signers.SimpleSigner.load_pkcs12_data(
            keys, other_certs=[], passphrase=passphrase.encode() or None
        )
    except (ValueError, TypeError):
        signer = None
    if signer is None:
        raise NotSignedError("sign.bad_file")
    return _signed(pdf, signer, wish)


def signed_with_token(pdf: bytes, token: Token, wish: Wish = PLAIN) -> bytes:
    """The PDF with a signature by a key that never leaves its token. Raises `NotSignedError`."""
    from pyhanko.sign.pkcs11 import PKCS11Signer  # noqa: PLC0415

    with _session(token) as session:
        given: dict[str, Any] = {"cert_label": token.key}
        if token.certificate:
            own, *others = _certificates(token.certificate)
            given = {"signing_cert": own, "ca_chain": others}
        signer = PKCS11Signer(session, key_label=token.key, **given)
        if signer.signing_cert.public_key.algorithm == "ec":
            # Every token signs a digest (CKM_ECDSA); not every one makes it, too.
            signer = PKCS11Signer(session, key_label=token.key, use_raw_mechanism=True, **given)
        return _signed(pdf, signer, wish)


@contextmanager
def _session(token: Token) -> Iterator[Any]:
    import pkcs11  # noqa: PLC0415 - loads the library of the token

    try:
        library = pkcs11.lib(token.library)
    except (pkcs11.PKCS11Error, RuntimeError, OSError):
        raise NotSignedError("sign.bad_library", library=token.library) from None
    try:
        with library.get_token(token_label=token.label).open(user_pin=token.pin) as session:
            yield session
    except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned):
        raise NotSignedError("sign.no_token", token=token.label) from None
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned):
        raise NotSignedError("sign.no_key", label=token.key) from None
    except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinLenRange, pkcs11.PinInvalid):
        raise NotSignedError("sign.bad_pin", token=token.label) from None
    except pkcs11.PKCS11Error as error:
        name = type(error).__name__
        raise NotSignedError("sign.token_failed", token=token.label, fault=name) from None


def _certificates(pem: bytes) -> list[Any]:
    from asn1crypto import pem as pem_file  # noqa: PLC0415
    from asn1crypto import x509  # noqa: PLC0415

    try:
        found = [x509.Certificate.load(der) for _, _, der in pem_file.unarmor(pem, multiple=True)]
    except ValueError:
        found = []
    if not found:
        raise NotSignedError("sign.bad_certificate")
    return found


def _signed(pdf: bytes, signer: Any, wish: Wish) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415
    from pyhanko.pdf_utils.misc import PdfError  # noqa: PLC0415
    from pyhanko.sign import fields, signers  # noqa: PLC0415
    from pyhanko.sign.general import SigningError  # noqa: PLC0415
    from pyhanko.sign.timestamps import HTTPTimeStamper, TimestampRequestError  # noqa: PLC0415

    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        before = len(writer.prev.embedded_signatures)
    except (PdfError, ValueError, KeyError, TypeError, RecursionError):
        raise NotSignedError("sign.no_pdf") from None
    if before >= MAX_SIGNATURES:
        raise NotSignedError("sign.too_many", most=str(MAX_SIGNATURES))
    about = signers.PdfSignatureMetadata(
        field_name=f"{FIELD}{before + 1}",
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=wish.reason or None,
        location=wish.place or None,
    )
    stamper = HTTPTimeStamper(wish.stamp) if wish.stamp else None
    out = io.BytesIO()
    try:
        signers.sign_pdf(writer, about, signer=signer, timestamper=stamper, output=out)
    except TimestampRequestError:
        raise NotSignedError("sign.no_stamp", address=wish.stamp) from None
    except (ValueError, TypeError, KeyError):
        if stamper is None:
            raise
        # What came from there is no answer (RFC 3161 section 2.4.2).
        raise NotSignedError("sign.no_stamp", address=wish.stamp) from None
    except (SigningError, PdfError) as error:
        raise NotSignedError("sign.failed", fault=str(error)[:200]) from None
    return out.getvalue()


def read_secret_line(path: Path) -> str:
    """A PIN or passphrase: the first line of a file. Raises OSError."""
    lines = path.read_text("utf-8").splitlines()
    return lines[0] if lines else ""
