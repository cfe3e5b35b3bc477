"""Factory of the worker's transports, layers and slots. `bridge.media.hot.following` has the one of
those that the compiled turn shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.media import messages as m
from bridge.media.dtls import DtlsServer
from bridge.media.layer import Layer
from bridge.media.slot import Slot
from bridge.media.transport import Transport


class Makers:
    """Makes objects that only Python uses."""

    def transport(
        self, spec: m.Open, dtls: DtlsServer, now: float, *, estimation: bool
    ) -> Transport:
        return Transport(spec, dtls, now, estimation=estimation)

    def add_slots(
        self, transport: Transport, spec: m.Open, random_bits: Callable[[int], int]
    ) -> None:
        """Give a transport the slots that it is opened with."""
        for slot in spec.slots:
            made = self.slot(
                transport=transport,
                name=slot.name,
                kind=slot.kind,
                codec=slot.codec,
                clock_rate=slot.clock_rate,
                payload_type=slot.payload_type,
                rtx_payload_type=slot.rtx_payload_type,
                red_payload_type=slot.red_payload_type,
                ssrc=slot.ssrc,
                rtx_ssrc=slot.rtx_ssrc,
                # Below 2^15, so that no receiver mistakes the first wrap (RFC 3711 3.3.1).
                first_index=1 + random_bits(14),
                first_rtx_index=1 + random_bits(14),
                first_timestamp=random_bits(32),
            )
            transport.add_slot(made)

    def slot(self, **facts: Any) -> Slot:
        return Slot(**facts)

    def layer(self, **facts: Any) -> Layer:
        return Layer(**facts)
