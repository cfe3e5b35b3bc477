"""Signatures with the time stamp of an authority: when it was seen, and what that proves later."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.proof.pdf_signing import NotSignedError, Wish, signed_with_file
from bridge.proof.verdict import worst
from tests.proof.certificates import Authority, Person
from tests.proof.test_pdf_signatures import said, seen, words, written
from tests.proof.time_authority import REPLY, Answer, refusing, serving, stamping

DAY = 86400.0


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def clock() -> Authority:
    """Who certifies the time-stamping authority: another one than the signers'."""
    return Authority("CA Dấu thời gian (thử)")


@pytest.fixture(scope="module")
def tsa(clock: Authority) -> Person:
    return clock.certify("TSA (thử)", days=9, kind="rsa", stamps=True)


def signed(person: Person, answer: Answer) -> bytes:
    with serving(answer) as address:
        return signed_with_file(written(), person.p12(""), "", Wish(stamp=address))


def test_the_time_that_an_authority_saw_is_said(
    authority: Authority, clock: Authority, tsa: Person
) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    pdf = signed(authority.certify("Nguyễn Thị Lan"), stamping(clock, tsa, at))
    roots = (authority.pem, clock.pem)
    looked = seen(pdf, roots)
    assert looked.signatures[0].stamped_at == at.timestamp()
    found = said(looked)
    assert worst(found) == "proved"
    assert f"saw this signature at {at:%Y-%m-%d %H:%M:%S} UTC" in words(found)

    # The certificate expires; that the signature is older is still proved.
    later = said(seen(pdf, roots, after=6 * DAY))
    assert worst(later) == "proved"
    assert "expired" not in words(later)

    # Nobody here trusts that authority: its time is no proof, and that is said.
    alone = seen(pdf, (authority.pem,))
    assert alone.signatures[0].stamped_at is None
    assert worst(said(alone)) == "open"
    assert "proves no time" in words(said(alone))
    assert "expired on" in words(said(seen(pdf, (authority.pem,), after=6 * DAY)))


def test_what_was_stamped_before_it_was_revoked_counts(clock: Authority, tsa: Person) -> None:
    authority = Authority()
    person = authority.certify("Lê Văn C")
    now = datetime.now(UTC)
    before = signed(person, stamping(clock, tsa, now - timedelta(hours=2)))
    after = signed(person, stamping(clock, tsa, now))
    authority.revoke(person)  # an hour ago
    roots = (authority.pem, clock.pem)
    assert worst(said(seen(before, roots, (authority.crl(),)))) == "proved"
    found = said(seen(after, roots, (authority.crl(),)))
    assert worst(found) == "false"
    assert "WAS revoked" in words(found)


@pytest.mark.parametrize(
    "answer",
    [
        refusing,
        lambda _: ("text/html", b"<html>log in</html>"),
        lambda _: (REPLY, b"<html>"),
        lambda _: (REPLY, b""),
        lambda _: (REPLY, bytes(40)),
    ],
)
def test_who_gives_no_time_stamp_is_named(authority: Authority, answer: Answer) -> None:
    person = authority.certify("Lan")
    with pytest.raises(NotSignedError) as caught:
        signed(person, answer)
    assert caught.value.key == "sign.no_stamp"
    assert caught.value.arguments["address"].endswith("/tsa")


def test_the_authority_that_the_topology_names_is_asked(
    authority: Authority, clock: Authority, tsa: Person, tmp_path: Path
) -> None:
    """And where it cannot be reached nothing is written, and nothing that was there is lost."""
    pdf, out = tmp_path / "minutes.pdf", tmp_path / "signed.pdf"
    pdf.write_bytes(written())
    out.write_bytes(b"what was signed before")
    (tmp_path / "chair.p12").write_bytes(authority.certify("Lan").p12("1"))
    (tmp_path / "secret").write_text("1\n")
    example = (Path(__file__).parents[2] / "config" / "lac-thuy.yaml").read_text("utf-8")
    topology = tmp_path / "topology.yaml"

    def sign(address: str, *more: str) -> tuple[int, str]:
        minutes = f"bridge:\n  minutes: {{stamp: '{address}'}}\n"
        topology.write_text(example.replace("bridge:\n", minutes, 1), "utf-8")
        given = ["--p12", str(tmp_path / "chair.p12"), "--secret-file", str(tmp_path / "secret")]
        ran = CliRunner().invoke(
            app, ["minutes", "sign", str(pdf), str(out), *given, "-f", str(topology), *more]
        )
        return ran.exit_code, ran.output

    with serving(stamping(clock, tsa)) as address:
        pass  # it is gone again
    code, told = sign(address)
    assert code == 1, told
    assert address in told
    assert "--no-stamp" in told
    assert out.read_bytes() == b"what was signed before"
    code, told = sign(address, "--no-stamp")
    assert code == 0, told
    roots = (authority.pem, clock.pem)
    assert seen(out.read_bytes(), roots).signatures[0].stamped_at is None
    with serving(stamping(clock, tsa)) as address:
        code, told = sign(address)
    assert code == 0, told
    stamped = seen(out.read_bytes(), roots).signatures[0].stamped_at
    assert stamped is not None
    assert abs(stamped - time.time()) < DAY
