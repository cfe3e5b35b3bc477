"""Janus: VideoRoom over its HTTP API; a handle per publisher, a multistream handle per receiver."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers import plain_sdp as sdp
from benchmarks.peers.burst_load import Source
from benchmarks.peers.measured_server import Server, free_port, wait_port
from benchmarks.peers.raw_peer import Identity, Peer, Pump
from benchmarks.peers.sfu import Joined, Sfu

PORT = 18088


class Janus(Sfu):
    name = "Janus"
    note = "VideoRoom; one event loop, which costs less on one core than a thread per handle"

    def start(self) -> None:
        free_port(PORT)
        binary = str(self.programs.janus)
        config = self._config()
        shim = self.folder / "loopback.so"
        source = Path(__file__).with_name("loopback.c")
        subprocess.run(
            ["gcc", "-O2", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True
        )
        version = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, check=False
        ).stdout
        found = re.search(r"Janus version:\s*\d+ \(([^)]+)\)|janus (\d[\w.]+)", version)
        self.version = (found.group(1) or found.group(2)) if found else version.strip()[:40]
        self.server = Server(
            [binary, "-F", str(config), "-i", "127.0.0.1", "--disable-colors"],
            self.core,
            self.folder / "log",
            {"LD_PRELOAD": str(shim)},
        )
        wait_port(self.server, PORT)

    def _config(self) -> Path:
        """The distribution's configuration; only addresses, ports and log level are set."""
        target = self.folder / "config"
        shutil.copytree(self.programs.janus_config, target)
        (target / "janus.jcfg").write_text(
            "general: {\n\tdebug_level = 2\n\tsession_timeout = 0\n"
            "\tevent_loops = 1\n"
            '}\nnat: {\n\tice_enforce_list = "127.0.0.1"\n}\nmedia: {\n\tipv6 = false\n}\n'
            'plugins: { disable = "libjanus_sip.so,libjanus_nosip.so,libjanus_streaming.so,'
            "libjanus_audiobridge.so,libjanus_textroom.so,libjanus_lua.so,libjanus_duktape.so,"
            'libjanus_recordplay.so,libjanus_voicemail.so" }\n'
            'transports: { disable = "libjanus_rabbitmq.so,libjanus_mqtt.so,'
            'libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_websockets.so" }\n'
        )
        (target / "janus.transport.http.jcfg").write_text(
            f'general: {{\n\tjson = "compact"\n\tbase_path = "/janus"\n\thttp = true\n'
            f'\tport = {PORT}\n\tip = "127.0.0.1"\n\thttps = false\n}}\nadmin: {{\n'
            "\tadmin_http = false\n}\n"
        )
        (target / "janus.plugin.videoroom.jcfg").write_text("general: {\n}\n")
        return target

    def _request(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None
        if body is not None:
            data = json.dumps({"transaction": os.urandom(6).hex(), **body}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/janus{path}",
            data=data,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=40) as response:  # noqa: S310 - loopback
            return json.load(response)

    def _attach(self) -> int:
        reply = self._request(
            f"/{self._session}", {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        )
        return int(reply["data"]["id"])

    def _message(
        self,
        handle: int,
        body: dict[str, Any],
        jsep: dict[str, Any] | None = None,
        until: Callable[[dict[str, Any], dict[str, Any]], bool] | None = None,
    ) -> dict[str, Any]:
        """Send; return the event for which ``until(event, its data)`` holds. Others are news of
        other publishers."""
        request = {"janus": "message", "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        self._request(f"/{self._session}/{handle}", request)
        if until is None:
            return {}
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            event = self._request(f"/{self._session}?maxev=1")
            for one in event if isinstance(event, list) else [event]:
                if one.get("janus") == "event" and one.get("sender") == handle:
                    data = one["plugindata"]["data"]
                    if "error" in data:
                        raise RuntimeError(data["error"])
                    if until(one, data):
                        found: dict[str, Any] = one
                        return found
        raise TimeoutError(f"no answer of Janus to {body['request']}")

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        self._session = int(self._request("", {"janus": "create"})["data"]["id"])
        handle = self._attach()
        self._message(
            handle,
            {
                "request": "create",
                "room": 777,
                "publishers": 100,
                "bitrate": 0,
                "videocodec": "vp8",
                "notify_joining": False,
                "fir_freq": 0,
            },
        )
        sources, peers = [], []
        for own in range(count):
            peer = Peer(f"publisher {own}", identity)
            ssrc = 10_000 + own
            handle = self._attach()
            self._message(
                handle,
                {"request": "join", "ptype": "publisher", "room": 777, "id": 100 + own},
                until=lambda _, data: data.get("videoroom") == "joined",
            )
            reply = self._message(
                handle,
                {"request": "publish"},
                {"type": "offer", "sdp": sdp.offer(peer, ssrc, f"camera{own}")},
                until=lambda event, _: "jsep" in event,
            )
            sdp.apply(peer, sdp.parse(reply["jsep"]["sdp"]))
            pump.add(peer)
            sources.append(Source(peer, ssrc))
            peers.append(peer)
        pump.wait(count, 20)
        for own in range(count):
            peer = Peer(f"receiver {own}", identity, controlling=False)
            handle = self._attach()
            feeds = [{"feed": 100 + i} for i in range(count) if i != own]
            reply = self._message(
                handle,
                {"request": "join", "ptype": "subscriber", "room": 777, "streams": feeds},
                until=lambda event, _: "jsep" in event,
            )
            offered = sdp.parse(reply["jsep"]["sdp"])
            sdp.apply(peer, offered)
            pump.add(peer)
            peers.append(peer)
            self._message(
                handle,
                {"request": "start"},
                {"type": "answer", "sdp": sdp.answer(peer, offered)},
                until=lambda _, data: "started" in data,
            )
        pump.wait(2 * count, 20)
        return Joined(sources, peers)
