"""Webhooks: signed, in order, tried again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from bridge.conference import commands as c
from bridge.server.webhooks import Delivery, sign
from config.schema import Webhook
from tests.control_support import Bridge
from tests.waiting import HANG


async def test_webhooks_are_signed_in_order_and_retried(bridge: Bridge) -> None:
    got: list[dict[str, Any]] = []
    refuse = 2
    enough = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        nonlocal refuse
        body = await request.read()
        ident, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        mac = hmac.new(b"secret-of-sixteen", f"{ident}.{stamp}.".encode() + body, hashlib.sha256)
        expected = "v1," + base64.b64encode(mac.digest()).decode()
        assert request.headers["webhook-signature"] == expected
        if refuse:
            refuse -= 1
            return web.Response(status=500)
        got.append({"id": ident, **json.loads(body)})
        if len(got) >= 3:
            enough.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    hook = Webhook(
        id="x",
        url=f"http://127.0.0.1:{port}/hook",
        secret="secret-of-sixteen",
        events=["opened", "started", "banner"],
    )
    process = bridge.process
    delivery = Delivery(process.events, process.accounts, bridge.conductor.now)
    await process.accounts.put_setting("webhook x", "0")
    task = asyncio.create_task(delivery.run(hook))
    conference = await bridge.open()
    await bridge.do(conference, c.Lock())
    await bridge.do(conference, c.Banner(text="x"))
    async with asyncio.timeout(HANG):
        await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()
    assert [item["type"] for item in got] == [
        "conference.opened",
        "conference.started",
        "conference.banner",
    ]
    assert got[0]["data"]["conference"] == conference


def test_the_signature() -> None:
    assert sign("s", "a", 1, b"{}").startswith("v1,")
    assert sign("s", "a", 1, b"{}") != sign("s", "a", 2, b"{}")
