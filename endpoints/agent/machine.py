"""The devices and the state of the room PC: cameras, microphones, speakers; load, memory, disk,
temperature, clock. Read from /proc and /sys of Linux; what cannot be read is left out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from monitoring.probing.clock_state import clock_state

MAX_DEVICES = 32
_PCM = re.compile(r"^(\d+)-(\d+): (?P<id>[^:]*?) : (?P<name>[^:]*?)(?: : (?P<streams>.*))?$")
_HEAT = (-40.0, 150.0)  # °C that a sensor may say


def sound_devices(pcm: str) -> list[dict[str, str]]:
    """Microphones and speakers out of /proc/asound/pcm. Pure."""
    found: list[dict[str, str]] = []
    for line in pcm.splitlines():
        match = _PCM.match(line)
        if match is None:
            continue
        name = match["name"].strip() or match["id"].strip() or "?"
        streams = match["streams"] or ""
        if "capture" in streams:
            found.append({"kind": "microphone", "name": name})
        if "playback" in streams:
            found.append({"kind": "speaker", "name": name})
    return found


def cpu_times(stat: str) -> tuple[int, int] | None:
    """Busy and all ticks since boot, out of /proc/stat. Pure."""
    first = stat.splitlines()[0].split() if stat else []
    if len(first) < 6 or first[0] != "cpu" or not all(v.isdecimal() for v in first[1:]):
        return None
    values = [int(value) for value in first[1:9]]
    idle = values[3] + values[4]
    return sum(values) - idle, sum(values)


def memory_share(meminfo: str) -> float | None:
    """The share of memory that is in use, out of /proc/meminfo. Pure."""
    values = dict(re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB$", meminfo, re.MULTILINE))
    if len(values) < 2 or int(values["MemTotal"]) == 0:
        return None
    return min(1.0, max(0.0, 1 - int(values["MemAvailable"]) / int(values["MemTotal"])))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


class Devices(Protocol):
    """A machine that the agent reports: its own (`Machine`, `CameraMachine`) or a simulated one."""

    def devices(self) -> list[dict[str, str]]:
        """Each device's kind (camera, microphone, speaker) and name."""

    def state_of(self) -> dict[str, Any]:
        """The figures of a `MachineState` of the agent's protocol, as far as they are known."""


@dataclass(slots=True)
class Machine:
    """The machine on which the agent runs. ``root`` is for tests; ``state`` is the folder whose
    disk counts."""

    state: Path
    root: Path = Path("/")
    _cpu: tuple[int, int] | None = field(default=None)

    def devices(self) -> list[dict[str, str]]:
        """Cameras, microphones and speakers that are there now."""
        found = [{"kind": "camera", "name": name} for name in self._cameras()]
        found += sound_devices(_read(self.root / "proc/asound/pcm"))
        return found[:MAX_DEVICES]

    def _cameras(self) -> list[str]:
        """A camera has a node for pictures and often one for metadata: index 0 is the first."""
        names: list[str] = []
        folder = self.root / "sys/class/video4linux"
        for node in sorted(folder.glob("video*")):
            if _read(node / "index") in ("", "0"):
                names.append(_read(node / "name") or node.name)
        return names

    def state_of(self) -> dict[str, Any]:
        """Load, memory, disk, temperature and clock, as the agent's protocol has them."""
        found: dict[str, Any] = {}
        now = cpu_times(_read(self.root / "proc/stat"))
        if now is not None:
            if self._cpu is not None and now[1] > self._cpu[1]:
                busy = (now[0] - self._cpu[0]) / (now[1] - self._cpu[1])
                found["cpu"] = min(1.0, max(0.0, busy))
            self._cpu = now
        memory = memory_share(_read(self.root / "proc/meminfo"))
        if memory is not None:
            found["memory"] = memory
        try:
            disk = shutil.disk_usage(self.state)
            found["disk"] = min(1.0, disk.used / disk.total) if disk.total else None
            found["disk_free"] = disk.free
        except OSError:
            pass
        heat = [
            int(text) / 1000
            for zone in sorted(self.root.glob("sys/class/thermal/thermal_zone*/temp"))
            if (text := _read(zone)).lstrip("-").isdecimal()
        ]
        plausible = [value for value in heat if _HEAT[0] < value < _HEAT[1]]
        if plausible:
            found["temperature"] = max(plausible)
        clock = clock_state()
        found["synchronised"], found["clock_error"] = clock.synchronised, clock.error
        return found


@dataclass(frozen=True, slots=True)
class CameraMachine:
    """A machine whose camera and microphone the agent sends itself: these are reported as
    ``sources`` tells them (`endpoints.webrtc.camera`), the rest as the machine does."""

    sources: Callable[[], list[dict[str, str]]]
    machine: Devices

    def devices(self) -> list[dict[str, str]]:
        """The sources, and the machine's speakers."""
        speakers = [d for d in self.machine.devices() if d["kind"] == "speaker"]
        return [*self.sources(), *speakers]

    def state_of(self) -> dict[str, Any]:
        """The machine's own figures."""
        return self.machine.state_of()
