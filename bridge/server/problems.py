"""Errors for programs: application/problem+json (RFC 9457), with sentences in two languages."""

from __future__ import annotations

import json

from aiohttp import web

from bridge.base import i18n
from bridge.base.i18n import Sentence


def problem(
    status: int, key: str, *, detail: str | Sentence = "", **arguments: str | Sentence
) -> web.Response:
    """A problem document; ``key`` names the sentence, ``detail`` adds what is particular."""
    sentence = i18n.sentence(key, detail=detail, **arguments)
    return _document(status, key, sentence, detail if isinstance(detail, str) else detail.en)


def _document(status: int, key: str, sentence: Sentence, detail: str) -> web.Response:
    body = {
        "type": f"/problems/{key}",
        "status": status,
        "title": sentence.en,
        "title_vi": sentence.vi,
    }
    if detail:
        body["detail"] = detail
    return web.Response(
        status=status,
        content_type="application/problem+json",
        text=json.dumps(body, ensure_ascii=False),
    )
