"""Which browser the demo opens. Pure but for `installed` and `open_page`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Mapping

# Of Chromium's family, in the order in which they are tried.
CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
)
FIREFOX = (
    "Opened in {browser}: Firefox shows no pictures here, because it makes no media connection "
    "over loopback addresses, where the demo stays. On a real address it works both ways."
)
NO_CHROMIUM = (
    "There is no Chromium, and Firefox shows no pictures here, because it makes no media "
    "connection over loopback addresses, where the demo stays. Install it: apt-get install chromium"
)
NO_DISPLAY = "There is no display: open the address in a Chromium on this machine."


def choose(
    installed: Callable[[str], bool], environment: Mapping[str, str], platform: str
) -> tuple[str, str]:
    """The program that opens the page ("": the system's own choice, None of ours), and what to
    say about it ("": nothing). ``installed`` tells whether a program is there."""
    if platform.startswith("linux"):
        if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
            return "", NO_DISPLAY
        found = next((name for name in CHROMIUMS if installed(name)), "")
        firefox = installed("firefox") or installed("firefox-esr")
        if found:
            return found, FIREFOX.format(browser=found) if firefox else ""
        return "", NO_CHROMIUM
    return "", ""


def open_page(address: str) -> str:
    """Open a page in a browser that shows pictures; return what to say about it, or ""."""
    program, said = choose(lambda name: shutil.which(name) is not None, os.environ, sys.platform)
    if program:
        subprocess.Popen(
            [program, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    elif said != NO_DISPLAY:
        webbrowser.open(address)
    return said
