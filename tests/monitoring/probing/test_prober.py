"""How the prober spreads its work."""

from __future__ import annotations

from monitoring.probing import stamp
from monitoring.probing.prober import CLASSES, TOGETHER, Prober, Target


async def test_many_points_do_not_all_send_at_once() -> None:
    prober = Prober(["127.0.0.1"])
    targets: dict[str, Target] = {}
    for n in reversed(range(150)):  # one after the other, and not in the order of their names
        targets[f"p{n:03}"] = Target("127.0.0.1", 9, stamp.Style(), True, (CLASSES["ef"],), 5)
        prober.set_targets(dict(targets))
    load = list(prober._groups.values())
    assert max(load.count(group) for group in set(load)) <= 19  # 150 in 8 groups
    prober.set_targets(dict(list(targets.items())[:TOGETHER]))
    assert len(prober.targets) == TOGETHER
    prober.close()
