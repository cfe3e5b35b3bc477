"""Pages show times in the zone of the bridge, which only two modules know by default."""

from __future__ import annotations

from tests.paths import ROOT

WEB = ROOT / "bridge" / "web"
KNOW = {"common/zone.js", "common/state.js", "common/format.js"}


def test_no_page_has_a_zone_of_its_own() -> None:
    found = {
        path.relative_to(WEB).as_posix()
        for path in WEB.rglob("*.js")
        if "Asia/Ho_Chi_Minh" in path.read_text("utf-8")
    }
    assert found <= KNOW
