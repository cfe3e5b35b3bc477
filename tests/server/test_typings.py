"""The declarations that the pages are checked with are those of the server's own types."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bridge.server import typings
from bridge.server.api.routes import Route
from bridge.server.http import ROUTES


def test_the_committed_declarations_are_current() -> None:
    assert typings.PATH.read_text("utf-8") == typings.declarations(ROUTES), (
        "the types of the protocol have changed: run python -m bridge.server.typings"
    )


class Inner(msgspec.Struct, frozen=True):
    count: int = 0


class Body(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    inner: Inner | None = None
    kinds: dict[str, list[int | None]] = {}


class Answer(msgspec.Struct, frozen=True):
    pair: tuple[str, float]
    rest: tuple[Inner, ...] = ()


async def handler(_: Any) -> None: ...


def declared(*routes: Route) -> str:
    return typings.declarations(routes)


def test_what_is_sent_may_lack_what_has_a_default_and_what_comes_has_it_all() -> None:
    text = declared(
        Route("POST", "/api/v1/things/{id}", handler, "admin", "", Body, Answer, 201),
    )
    assert (
        "export interface Body {\n"
        "  name: string;\n"
        "  inner?: Inner | null;\n"
        "  kinds?: Record<string, (number | null)[]>;\n"
        "}\n"
    ) in text
    assert ("export interface Answer {\n  pair: [string, number];\n  rest: Inner[];\n}\n") in text
    assert '  "/things/{id}": { body: Body; answer: Answer };\n' in text


def test_routes_without_a_body_or_with_files() -> None:
    text = declared(
        Route("GET", "/api/v1/file", handler, "admin", "", media_type="text/csv"),
        Route("DELETE", "/api/v1/things/{id}", handler, "admin", "", status=204),
        Route("PUT", "/api/v1/backup", handler, "admin", "", bytes, list[Answer], raw=True),
    )
    assert "/file" not in text, "a file is no answer that a page reads"
    assert '  "/things/{id}": { body: undefined; answer: null };\n' in text
    assert '  "/backup": { body: Blob; answer: Answer[] };\n' in text


def test_commands_and_events_have_names_of_their_own() -> None:
    text = declared()
    assert 'export interface EndedEvent {\n  type: "ended";\n}\n' in text
    assert 'export interface Ended {\n  type: "ended";\n  reason: ' in text
    assert "export interface TakeCommand {\n" in text
    assert "  command: Asked;\n" in text
    assert "  event: Event;\n" in text
    assert "Sparse<RoomStatus>" in text


def test_nothing_is_any() -> None:
    assert ": any" not in declared(*ROUTES)
