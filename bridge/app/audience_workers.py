"""Links to the workers of an audience, as the topology asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.audience.fleet import Fleet, Link, OnEvent
from bridge.control.control import Control
from bridge.control.placing.active_workers import Send
from bridge.control.relay_dial import RelayDial
from bridge.control.worker_link import WorkerLink
from config.schema import Topology


def names_of(topology: Topology) -> tuple[str, ...]:
    """The names in figures of an audience's workers on this machine; those of the points come
    before, from "0" on."""
    first = topology.bridge.workers
    return tuple(str(first + number) for number in range(topology.bridge.audience.workers))


def make_fleet(
    control: Control,
    send: Send,
    state: Path,
    folder: Path,
    *,
    with_parent: bool,
) -> Fleet:
    """The workers that serve viewers. Those on this machine belong to this process: worker n has
    the media port n above that of the first one of the points, and its control socket in ``state``.
    Keys of others lie where the topology says, from ``folder``."""
    topology = control.topology.current
    media = topology.bridge.media
    relays = {relay.id: relay for relay in topology.bridge.audience.relays}
    dials = {
        relay.id: RelayDial(relay.address, relay.port, folder / relay.key)
        for relay in relays.values()
    }

    def make(name: str, on_event: OnEvent, on_down: Callable[[], None]) -> Link:
        dial = dials.get(name)
        if dial is not None:
            return WorkerLink(
                control=state,
                hosts=[],
                port=0,
                with_parent=False,
                own=False,
                on_event=on_event,
                on_down=on_down,
                dial=dial,
            )
        return WorkerLink(
            control=state / f"audience-{name}.sock",
            hosts=media.listen,
            port=media.port + int(name) if media.port else 0,
            with_parent=with_parent,
            estimation=topology.media.estimation,
            on_event=on_event,
            on_down=on_down,
        )

    ports = {name: media.port + int(name) for name in names_of(topology)}
    ports |= {relay.id: relay.port for relay in relays.values()}
    return Fleet(
        control,
        send,
        names_of(topology),
        make,
        tuple(relays),
        hosts={relay.id: relay.address for relay in relays.values()},
        ports=ports,
        trouble=lambda name: dials[name].trouble if name in dials else "",
    )
