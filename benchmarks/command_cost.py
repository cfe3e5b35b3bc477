"""What a command costs, from the request until it is saved and answered:
``python -m benchmarks.command_cost [--tree FOLDER …] [--rounds N] [--commands N] [--json FILE]``.

The real control process on SQLite, asked over its interface for programs by one client that waits
for each answer: the banner of a running conference is changed again and again. With ``--tree``,
repeatedly, other states of the project are measured by turns in the same run, each with its own
``bridge.py`` and topology: the first one is what the others are compared with. Milliseconds are
those that the client waits, CPU is that of the control process, user and system. Everything stays
on 127.0.0.1 and in folders that are thrown away.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import yaml

from benchmarks.machine_facts import machine
from bridge.demo.point_processes import LOOPBACK
from bridge.demo.ports import free_port
from monitoring.statistics import percentile

ROOT = Path(__file__).parent.parent
MOST = 60.0  # seconds until a bridge is there
LOOK = 0.05  # seconds between two looks
WARM = 50  # commands that are not counted
TICKS = os.sysconf("SC_CLK_TCK")


class Bridge:
    """``bridge.py serve`` of one tree, with a conference that runs."""

    def __init__(self, tree: Path, folder: Path) -> None:
        document = yaml.safe_load((tree / "config" / "lac-thuy.yaml").read_text("utf-8"))
        self._port = free_port(LOOPBACK, socket.SOCK_STREAM)
        document["bridge"]["web"] |= {"port": self._port, "listen": LOOPBACK}
        document["bridge"]["media"] |= {
            "listen": [LOOPBACK],
            "port": free_port(LOOPBACK, socket.SOCK_DGRAM),
        }
        document["bridge"]["state"] = "state"
        file = folder / "topology.yaml"
        file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "bridge.py", "serve", str(file)],
            cwd=tree,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=MOST)
        try:
            self._until_healthy()
            token = (folder / "state" / "cli.token").read_text("ascii").strip()
            self._headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
            }
            body = {"template": document["templates"][0]["id"], "start": True}
            self._conference = self._post("/api/v1/conferences", body)["conference"]
        except BaseException:
            self.stop()
            raise

    def _until_healthy(self) -> None:
        end = time.monotonic() + MOST
        while time.monotonic() < end:
            try:
                self._connection.request("GET", "/healthz")
                with self._connection.getresponse() as response:
                    response.read()
                    if response.status == 200:
                        return
            except (OSError, http.client.HTTPException):
                self._connection.close()
            time.sleep(LOOK)
        raise TimeoutError("the bridge did not come up")

    def _post(self, path: str, body: object) -> dict[str, str]:
        self._connection.request("POST", path, json.dumps(body), self._headers)
        with self._connection.getresponse() as response:
            answer: dict[str, str] = json.loads(response.read())
            if response.status >= 300:
                raise RuntimeError(f"{path}: {response.status} {answer}")
        return answer

    def _cpu(self) -> float:
        """Seconds that the control process has used (proc(5), stat, fields 14 and 15)."""
        text = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def command(self, number: int) -> float:
        """Change the banner; seconds until the answer."""
        path = f"/api/v1/conferences/{self._conference}/commands"
        begun = time.perf_counter()
        self._post(path, {"command": {"type": "banner", "text": f"{number}"}})
        return time.perf_counter() - begun

    def measure(self, commands: int) -> dict[str, float]:
        """Milliseconds until the answer (median and 95th percentile), and of CPU, a command."""
        for number in range(WARM):
            self.command(number)
        before = self._cpu()
        taken = sorted(self.command(number) for number in range(commands))
        cpu = self._cpu() - before
        return {
            "p50": 1000 * percentile(taken, 0.5),
            "p95": 1000 * percentile(taken, 0.95),
            "cpu": 1000 * cpu / commands,
        }

    def stop(self) -> None:
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(MOST)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def measured(tree: Path, commands: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        bridge = Bridge(tree, Path(folder))
        try:
            return bridge.measure(commands)
        finally:
            bridge.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.command_cost", description=__doc__)
    parser.add_argument("--tree", type=Path, action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commands", type=int, default=500)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    trees = [tree.resolve() for tree in given.tree] or [ROOT]
    found: dict[str, list[dict[str, float]]] = {str(tree): [] for tree in trees}
    for number in range(given.rounds):
        for tree in trees:
            result = measured(tree, given.commands)
            found[str(tree)].append(result)
            print(f"round {number + 1}, {tree}: p50 {result['p50']:.2f} ms", flush=True)
    print("\n| tree | p50, ms | p95, ms | CPU, ms | CPU against the first |\n|---|---|---|---|---|")
    first = median(r["cpu"] for r in found[str(trees[0])])
    for name, results in found.items():
        middle = {key: median(r[key] for r in results) for key in ("p50", "p95", "cpu")}
        print(
            f"| {Path(name).name} | {middle['p50']:.2f} | {middle['p95']:.2f} "
            f"| {middle['cpu']:.2f} | {middle['cpu'] / first:.2f} |"
        )
    if given.json:
        given.json.write_text(json.dumps({"machine": machine(), "rounds": found}, indent=1))


if __name__ == "__main__":
    main()
