"""Errors for programs: application/problem+json (RFC 9457), with sentences in two languages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bridge.base import i18n
from bridge.base.i18n import Sentence


def problem(
    status: int, key: str, *, detail: str | Sentence = "", **arguments: str | Sentence
) -> web.Response:
    """A problem document; ``key`` names the sentence, ``detail`` adds what is particular."""
    sentence = i18n.sentence(key, detail=detail, **arguments)
    return _document(status, key, sentence, detail if isinstance(detail, str) else detail.en)


def row_problems(
    status: int, key: str, rows: Sequence[tuple[int, Sentence]], **arguments: str | Sentence
) -> web.Response:
    """A problem document about a table: ``rows`` (the first is 1), each with its sentence."""
    told = [{"row": row, "sentence": said.en, "sentence_vi": said.vi} for row, said in rows]
    return _document(status, key, i18n.sentence(key, **arguments), "", rows=told)


def _document(status: int, key: str, sentence: Sentence, detail: str, **more: Any) -> web.Response:
    body: dict[str, Any] = {
        "type": f"/problems/{key}",
        "status": status,
        "title": sentence.en,
        "title_vi": sentence.vi,
    }
    if detail:
        body["detail"] = detail
    body.update(more)
    return web.Response(
        status=status,
        content_type="application/problem+json",
        text=json.dumps(body, ensure_ascii=False),
    )
