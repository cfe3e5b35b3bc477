"""Webhooks: posts events of conferences and points to other systems, signed, in order, until each
is taken.

The signature is that of the Standard Webhooks specification: ``webhook-signature: v1,BASE64`` of
HMAC-SHA256 over "id.timestamp.body". What was delivered last is stored, so nothing is lost by a
restart; after one an event may come twice, with the same ``webhook-id``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Callable

import aiohttp
import msgspec

from bridge.conference import events as e
from bridge.store.accounts import Accounts
from bridge.store.database import FAULTS
from bridge.store.log import EventLog, Numbered
from config.schema import Webhook

log = logging.getLogger("webhooks")

BATCH = 50
STORE_WAIT = 5.0  # seconds
POLL = 1.0  # seconds between looks at the log
TIMEOUT = aiohttp.ClientTimeout(total=10)
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # seconds between tries


def sign(secret: str, ident: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``."""
    text = f"{ident}.{timestamp}.".encode() + body
    mac = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def body_of(item: Numbered) -> bytes:
    """What is posted: the line of the log, with its kind in front."""
    recorded = item.recorded
    kind = e.kind_of(recorded.event)
    return msgspec.json.encode({"type": f"conference.{kind}", "data": recorded})


class Delivery:
    """Delivers the log of events to webhooks; one task runs for each."""

    def __init__(self, events: EventLog, accounts: Accounts, now: Callable[[], float]) -> None:
        self._events = events
        self._accounts = accounts
        self._now = now

    async def run(self, hook: Webhook) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self._deliver(hook)
            except FAULTS as error:
                log.error("webhook %s waits for the store: %s", hook.id, type(error).__name__)
                await asyncio.sleep(STORE_WAIT)

    async def _deliver(self, hook: Webhook) -> None:
        key = f"webhook {hook.id}"
        stored = await self._accounts.setting(key)
        last = int(stored) if stored is not None else await self._events.last_number()
        wait = FIRST_WAIT
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            while True:
                items = await self._events.since(last, BATCH)
                for item in items:
                    kind = e.kind_of(item.recorded.event)
                    wanted = not hook.events or kind in hook.events
                    while wanted and not await self._post(http, hook, item):
                        await asyncio.sleep(wait)
                        wait = min(LONGEST_WAIT, wait * 2)
                    wait = FIRST_WAIT
                    last = item.id
                if items:
                    await self._accounts.put_setting(key, str(last))
                else:
                    await asyncio.sleep(POLL)

    async def _post(self, http: aiohttp.ClientSession, hook: Webhook, item: Numbered) -> bool:
        body = body_of(item)
        timestamp = int(self._now())
        ident = f"event-{item.id}"
        headers = {
            "Content-Type": "application/json",
            "webhook-id": ident,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(hook.secret, ident, timestamp, body),
        }
        try:
            async with http.post(
                hook.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status < 300:
                    return True
                log.warning("webhook %s answered %d", hook.id, response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("webhook %s: %s", hook.id, type(error).__name__)
        return False
