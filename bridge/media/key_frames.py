"""Asking sources for key frames: one request a layer and interval, however many receivers ask; and
one in two seconds a source where only weak lines ask, so that the others do not notice them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.media.layer import KEY_FRAME_INTERVAL, KEY_FRAME_SOONER, Layer

if TYPE_CHECKING:  # a layer's, looked at only
    from bridge.media.slot import Slot

RETRY = 0.5  # seconds until a key frame that did not come is asked for again
WEAK_INTERVAL = 2.0  # seconds between requests to a source because of weak lines alone


def hurries_nobody(slot: Slot) -> bool:
    """Whether a slot waits for a layer because of its receiver's weak line alone, or its receiver
    is patient."""
    return slot.transport.patient or (slot.held_back and slot.transport.weak)


class KeyFrames:
    """Requests that are due: the layers whose sender is to be asked for a key frame."""

    def __init__(self) -> None:
        self._due: dict[Layer, None] = {}  # in the order of asking: a set's is by chance

    def __bool__(self) -> bool:
        return bool(self._due)

    def __contains__(self, layer: Layer) -> bool:
        return layer in self._due

    def request(self, layer: Layer, *, weak: bool = False) -> None:
        """Ask as soon as the limits allow; ``weak``: because of a receiver's weak line."""
        if layer.codec == "opus":
            return
        if weak:
            layer.key_frame_weak = True
        elif not (layer.key_frame_awaited and layer.waiters):  # then the one on its way will do
            layer.key_frame_wanted = True
        self._due[layer] = None

    def asks_at(self, slot: Slot, layer: Layer, now: float) -> float:
        """When a source would be asked for a key frame because of this slot."""
        if hurries_nobody(slot):
            return max(now, layer.source.asked_weak + WEAK_INTERVAL)
        return now

    def notice(self, layer: Layer) -> None:
        """The layer itself may have come to need one."""
        if layer.key_frame_wanted:
            self._due[layer] = None

    def forget(self, layer: Layer) -> None:
        self._due.pop(layer, None)

    def take(self, now: float) -> list[Layer]:
        """The layers to ask for now; they count as asked."""
        asked: list[Layer] = []
        for layer in reversed(list(self._due)):  # the latest wish is the one that counts
            strong = layer.key_frame_wanted or any(
                not hurries_nobody(slot) for slot in layer.waiters
            )
            if not strong and not layer.key_frame_weak and not layer.waiters:
                self._due.pop(layer, None)
                continue
            if layer.source.transport.state != "connected":
                self._due.pop(layer, None)
                continue
            due = layer.key_frame_sent + (RETRY if layer.waiters else KEY_FRAME_INTERVAL)
            if layer.key_frame_wanted:
                interval = KEY_FRAME_SOONER if layer.waiters else KEY_FRAME_INTERVAL
                due = layer.key_frame_sent + interval
            if not strong:
                due = max(due, layer.source.asked_weak + WEAK_INTERVAL)
            if now < due:
                continue
            if not strong:
                layer.source.asked_for_weak(now)
            layer.asked_key_frame(now)
            asked.append(layer)
        return asked
