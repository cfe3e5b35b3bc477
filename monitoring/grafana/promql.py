"""PromQL expressions that several panels use: rates, shares, quantiles.

Names are without the prefix ``diemcau_``; ``by`` has the labels that are kept apart, ``where``
further conditions on labels, each with a comma before it. ``{$`` is filled by `panels.Q`.
"""

from __future__ import annotations

from typing import Literal

Window = Literal["$__rate_interval", "$__range"]

ONE_POINT = ',point="$point"'
"""Condition: the point that the dashboard's reader chose."""
CHOSEN_POINTS = ',point=~"$point"'
"""Condition: the points that the dashboard's reader chose."""


def _over(function: str, by: str, what: str) -> str:
    return f"{function} by ({by}) ({what})" if by else f"{function}({what})"


def total(name: str, by: str = "", where: str = "") -> str:
    """The sum of a gauge over all labels but ``by``."""
    return _over("sum", by, f"diemcau_{name}{{${where}}}")


def greatest(name: str, by: str = "", where: str = "") -> str:
    """The greatest value of a gauge over all labels but ``by``."""
    return _over("max", by, f"diemcau_{name}{{${where}}}")


def rate(name: str, by: str = "", where: str = "") -> str:
    """By how much a counter grows a second."""
    return _over("sum", by, f"rate(diemcau_{name}{{${where}}}[$__rate_interval])")


def increase(name: str, by: str = "", where: str = "", window: Window = "$__rate_interval") -> str:
    """By how much a counter grew; ``$__range`` is the whole time shown."""
    return _over("sum", by, f"increase(diemcau_{name}{{${where}}}[{window}])")


def share(part: str, whole: str, by: str = "", where: str = "") -> str:
    """The growth of one counter over that of another, 0–1; nothing while the other rests."""
    return f"{rate(part, by, where)} / ({rate(whole, by, where)} > 0)"


def probes(which: str, by: str, where: str = "") -> str:
    """Share of probes that were lost, reordered, duplicated or remarked."""
    return share(f"probe_packets_{which}_total", "probe_packets_total", by, where)


def quantile(share: float, name: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram of the last moments."""
    return f"histogram_quantile({share}, {rate(name + '_bucket', _with_le(by), where)})"


def quantile_shown(share: float, name: str) -> str:
    """A quantile of a histogram over the whole time shown: for what happens seldom."""
    return f"histogram_quantile({share}, {increase(name + '_bucket', 'le', '', '$__range')})"


def _with_le(by: str) -> str:
    return f"{by}, le" if by else "le"
