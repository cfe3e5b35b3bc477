"""What the agent reads out of /proc and /sys, and what it makes of what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from endpoints.agent.machine import (
    MAX_DEVICES,
    CameraMachine,
    Machine,
    cpu_times,
    memory_share,
    sound_devices,
)

PCM = """\
00-00: ALC3234 Analog : ALC3234 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
01-00: USB Audio :  : capture 1
nonsense
"""
STAT = "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\n"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, "utf-8")


def test_sound_devices() -> None:
    assert sound_devices(PCM) == [
        {"kind": "microphone", "name": "ALC3234 Analog"},
        {"kind": "speaker", "name": "ALC3234 Analog"},
        {"kind": "speaker", "name": "HDMI 0"},
        {"kind": "microphone", "name": "USB Audio"},
    ]
    assert sound_devices("") == []


@pytest.mark.parametrize("text", ["", "\n", "cpu 1 2", "cpu  a b c d e f", "intr 1 2 3 4 5 6"])
def test_a_load_that_cannot_be_read_is_none(text: str) -> None:
    assert cpu_times(text) is None


def test_the_share_of_memory_in_use() -> None:
    assert memory_share("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n") == 0.75
    assert memory_share("MemTotal: 0 kB\nMemAvailable: 0 kB\n") is None
    assert memory_share("MemTotal: 1000 kB\n") is None


def test_a_camera_counts_once_and_devices_are_bounded(tmp_path: Path) -> None:
    for node, index, name in (
        ("video0", "0", "Logi"),
        ("video1", "1", "Logi"),
        ("video2", "0", ""),
    ):
        write(tmp_path, f"sys/class/video4linux/{node}/index", f"{index}\n")
        write(tmp_path, f"sys/class/video4linux/{node}/name", f"{name}\n")
    write(tmp_path, "proc/asound/pcm", PCM)
    machine = Machine(tmp_path, root=tmp_path)
    assert [d["name"] for d in machine.devices() if d["kind"] == "camera"] == ["Logi", "video2"]
    assert len(machine.devices()) == 6
    write(tmp_path, "proc/asound/pcm", "00-00: a : b : playback 1\n" * 50)
    assert len(machine.devices()) == MAX_DEVICES


def test_load_is_told_from_the_second_look_on(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=tmp_path)
    write(tmp_path, "proc/stat", STAT.format(busy=100, idle=900))
    assert "cpu" not in machine.state_of()
    write(tmp_path, "proc/stat", STAT.format(busy=130, idle=970))
    assert machine.state_of()["cpu"] == pytest.approx(0.3)


def test_the_hottest_plausible_sensor_counts(tmp_path: Path) -> None:
    machine = Machine(tmp_path, root=tmp_path)
    assert "temperature" not in machine.state_of()
    for n, text in enumerate(("45000", "61500", "999000", "-60000", "hot")):
        write(tmp_path, f"sys/class/thermal/thermal_zone{n}/temp", text)
    assert machine.state_of()["temperature"] == 61.5


def test_a_folder_that_is_not_there_has_no_disk(tmp_path: Path) -> None:
    found = Machine(tmp_path / "nowhere", root=tmp_path).state_of()
    assert "disk" not in found
    assert 0 < Machine(tmp_path, root=tmp_path).state_of()["disk"] <= 1


def test_the_devices_of_a_camera_point_are_its_sources_and_the_speakers(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/pcm", PCM)
    sources = [{"kind": "camera", "name": "192.0.2.5/live"}]
    machine = CameraMachine(lambda: sources, Machine(tmp_path, root=tmp_path))
    assert [d["kind"] for d in machine.devices()] == ["camera", "speaker", "speaker"]
    assert machine.state_of().keys() >= {"disk", "disk_free"}
