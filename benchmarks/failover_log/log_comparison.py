"""What was acknowledged, compared with what the log has. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """An event of the log: its number, and the text that it set; "" for other events."""

    seq: int
    text: str


class Findings(NamedTuple):
    """How many acknowledged commands are ``lost`` (not in the log), ``moved`` (elsewhere than was
    said) and ``doubled``, how many numbers are missing (``holes``), and epochs in which more than
    one host committed (``shared``)."""

    acknowledged: int
    events: int
    lost: int
    moved: int
    doubled: int
    holes: int
    epochs: int
    shared: int

    @property
    def good(self) -> bool:
        return not (self.lost or self.moved or self.doubled or self.holes or self.shared)


def compare(
    acknowledged: Mapping[str, int], rows: Sequence[Row], commits: Iterable[tuple[int, str]]
) -> Findings:
    """``acknowledged`` has the number that was said of each text; ``commits`` are epochs and hosts,
    one for every event."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.text:
            places[row.text].append(row.seq)
    by_epoch: dict[int, set[str]] = defaultdict(set)
    for epoch, host in commits:
        by_epoch[epoch].add(host)
    numbers = Counter(row.seq for row in rows)
    last = max(numbers, default=0)
    return Findings(
        acknowledged=len(acknowledged),
        events=len(rows),
        lost=sum(text not in places for text in acknowledged),
        moved=sum(seq not in places.get(text, [seq]) for text, seq in acknowledged.items()),
        doubled=sum(len(found) > 1 for found in places.values()),
        holes=sum(numbers[seq] != 1 for seq in range(1, last + 1)),
        epochs=len(by_epoch),
        shared=sum(len(hosts) > 1 for hosts in by_epoch.values()),
    )
