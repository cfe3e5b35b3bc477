"""Signatures in a PDF: who made them, over what, and whether that can be believed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.base import limited
from bridge.proof.pdf_check import MEMORY, SECONDS, Looked, Request, findings, look, request_of
from bridge.proof.pdf_signing import (
    NotSignedError,
    Token,
    Wish,
    signed_with_file,
    signed_with_token,
)
from bridge.proof.verdict import Finding, worst
from tests.proof.certificates import Authority

PASSPHRASE = "bí mật 1"


def written() -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text="Minutes")
    return bytes(pdf.output())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def twice(authority: Authority) -> bytes:
    """Signed by the secretary, then by the chair."""
    pdf = written()
    for name in ("Nguyễn Thị Lan", "Trần Văn Minh"):
        person = authority.certify(name)
        pdf = signed_with_file(pdf, person.p12(PASSPHRASE), PASSPHRASE, Wish(reason="Biên bản"))
    return pdf


def seen(
    pdf: bytes, roots: tuple[bytes, ...] = (), lists: tuple[bytes, ...] = (), after: float = 0.0
) -> Looked:
    return look(
        Request(
            data=pdf,
            roots=tuple(root.decode() for root in roots),
            revoked=lists,
            now=time.time() + after,
        )
    )


def said(looked: Looked, *, roots: bool = True) -> list[Finding]:
    found = findings(looked, roots=roots)
    for each in found:
        assert each.said.vi != each.said.en
    return found


def words(found: list[Finding]) -> str:
    return "\n".join(f"{each.state}: {each.said.en}" for each in found)


def test_two_signers_in_their_order(authority: Authority, twice: bytes) -> None:
    looked = seen(twice, (authority.pem,))
    assert [s.signer for s in looked.signatures] == ["Nguyễn Thị Lan", "Trần Văn Minh"]
    assert [s.covers for s in looked.signatures] == ["earlier", "whole"]
    assert worst(said(looked)) == "proved"


def test_every_changed_octet_is_found(authority: Authority, twice: bytes) -> None:
    """In what is signed, in the signature before, in the tables of the file."""
    step = max(1, len(twice) // 60)
    # The last signature's own octets are covered by nobody: of them only the empty place behind.
    begin = twice.index(b"<", twice.rindex(b"/Contents"))
    end = twice.index(b">", begin)
    for place in (*range(9, begin, step), end - 10, *range(end + 1, len(twice), step)):
        changed = bytearray(twice)
        changed[place] ^= 1
        found = said(seen(bytes(changed), (authority.pem,)))
        assert worst(found) != "proved", place


def test_what_was_changed_after_signing_is_said_plainly(authority: Authority, twice: bytes) -> None:
    changed = twice.replace(b"/Producer", b"/Prodacer", 1)
    assert changed != twice
    found = said(seen(changed, (authority.pem,)))
    assert worst(found) == "false"
    assert "WAS CHANGED" in words(found)


def test_what_is_appended_is_not_covered(authority: Authority, twice: bytes) -> None:
    found = said(seen(twice + b"\n% more\n", (authority.pem,)))
    assert worst(found) != "proved"


def test_an_unknown_root_and_no_root_at_all(twice: bytes) -> None:
    other = said(seen(twice, (Authority("Ai đó").pem,)))
    assert worst(other) == "open"
    assert "none of those" in words(other)
    none = said(seen(twice), roots=False)
    assert worst(none) == "open"
    assert "no certificates were named" in words(none)


def test_a_certificate_that_has_expired(authority: Authority, twice: bytes) -> None:
    later = said(seen(twice, (authority.pem,), after=6 * 86400.0))
    assert worst(later) == "open"
    assert "expired" in words(later)


def test_a_certificate_that_was_revoked() -> None:
    authority = Authority()
    person = authority.certify("Lê Văn C")
    pdf = signed_with_file(written(), person.p12(""), "")
    assert worst(said(seen(pdf, (authority.pem,), (authority.crl(),)))) == "proved"
    authority.revoke(person)
    found = said(seen(pdf, (authority.pem,), (authority.crl(),)))
    assert worst(found) == "false"
    assert "revoked" in words(found)


def test_a_file_without_a_signature_and_none_at_all() -> None:
    assert seen(written()).signatures == ()
    assert worst(said(seen(written()))) == "open"
    for data in (b"", b"PK\x03\x04", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"<" * 5000):
        assert worst(said(seen(data))) != "proved"


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_file_is_a_fault(twice: bytes, data: Any) -> None:
    """Cut off, or with other octets in it: an answer, whatever it is."""
    begin = data.draw(st.integers(0, len(twice)))
    pdf = twice[:begin] + data.draw(st.binary(max_size=40)) + twice[begin + 7 :]
    if pdf != twice:
        assert worst(said(seen(pdf))) != "proved"


async def test_in_a_process_of_its_own(authority: Authority, twice: bytes) -> None:
    asked = request_of(twice, [authority.pem], [], time.time())
    raw = await limited.limited("bridge.proof.pdf_check", asked, seconds=SECONDS, memory=MEMORY)
    assert [s["covers"] for s in raw["signatures"]] == ["earlier", "whole"]


@pytest.mark.parametrize(
    ("pdf", "keys", "passphrase", "key"),
    [
        (b"no", b"", "", "sign.bad_file"),
        (b"%PDF-1.7", None, PASSPHRASE, "sign.no_pdf"),
        (None, None, "wrong", "sign.bad_file"),
    ],
)
def test_what_cannot_be_signed(
    authority: Authority, pdf: bytes | None, keys: bytes | None, passphrase: str, key: str
) -> None:
    keys = authority.certify("Lan").p12(PASSPHRASE) if keys is None else keys
    with pytest.raises(NotSignedError) as caught:
        signed_with_file(written() if pdf is None else pdf, keys, passphrase)
    assert caught.value.key == key


def test_a_library_that_is_none() -> None:
    token = Token(library="/nonexistent.so", label="x", pin="1", key="k")
    with pytest.raises(NotSignedError) as caught:
        signed_with_token(written(), token)
    assert caught.value.key == "sign.bad_library"
