"""Draws the curves of RFC 8867's cases: ``python -m tests.scenarios.curves`` writes them into the
docs. The same world gives the same octets."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.paths import ROOT
from tests.scenarios.world import World, mean_rate

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT, BELOW = 720, 200, 80  # px: the curves of rates, and of the queue below them
LEFT, TOP, GAP = 46, 22, 26
COLOURS = ("#1f6fb2", "#c0572b", "#3c8d40", "#8052a8", "#8a7a1c")
QUEUE_MOST = 0.4  # seconds at the top of the lower curves


def svg(world: World, name: str) -> str:
    """Sent rates and capacity above, the queue of the bottleneck below."""
    samples = world.samples[1:]
    end = samples[-1].at
    top = 1.25 * max(1.0, *(s.capacity for s in samples))
    total = TOP + HEIGHT + GAP + BELOW + 26

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - 10) * at / end

    def rate_y(rate: float) -> float:
        return TOP + HEIGHT * (1 - min(rate, top) / top)

    def queue_y(queue: float) -> float:
        return TOP + HEIGHT + GAP + BELOW * (1 - min(queue, QUEUE_MOST) / QUEUE_MOST)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{total}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="14">RFC 8867, {name}: Mbit/s sent to each receiver '
        "(dashed: capacity), and the queue in seconds</text>",
    ]
    step = 0.5 if top < 3e6 else 1.0
    value = 0.0
    while value * 1e6 <= top:
        y = rate_y(value * 1e6)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 10}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        value += step
    for queue in (0.0, 0.2, 0.4):
        y = queue_y(queue)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 10}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{queue:g}</text>')
    for at in range(0, round(end) + 1, 10):
        parts.append(f'<text x="{x(at):.1f}" y="{total - 8}" text-anchor="middle">{at} s</text>')
    capacity = [(x(s.at), rate_y(s.capacity)) for s in samples]
    parts.append(_line(capacity, "#555555", 'stroke-dasharray="5 4"'))
    for number, receiver in enumerate(world.receivers):
        points = [(x(s.at), rate_y(s.sent.get(receiver, 0.0))) for s in samples]
        parts.append(_line(points, COLOURS[number % len(COLOURS)], ""))
    parts.append(_line([(x(s.at), queue_y(s.queue)) for s in samples], "#a02020", ""))
    return "\n".join([*parts, "</svg>", ""])


def _line(points: Sequence[tuple[float, float]], colour: str, more: str) -> str:
    path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3" {more}/>'


def main() -> None:
    from tests.scenarios.cases import CASES

    for name in sys.argv[1:] or CASES:
        path = IMAGES / f"rfc8867-{name}.svg"
        world = CASES[name]()
        path.write_text(svg(world, name), "utf-8")
        for second in range(0, round(world.now), 4):
            rates = [mean_rate(world, r, second, second + 4) for r in world.receivers]
            print(name, second, *(round(rate / 1000) for rate in rates), flush=True)


if __name__ == "__main__":
    main()
