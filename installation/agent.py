"""Installs the agent on a room PC: program, user, service, trust in the bridge's own authority."""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from installation.release import InstallError, make_current
from installation.system import account, reload_systemd, systemd_runs

STATE = Path("/var/lib/diem-cau-agent")
USER = "kiosk"
GROUPS = "video,audio"
SETTINGS, LAUNCHER = "agent.json", "launcher.py"
UNIT = "diem-cau-agent.service"
UNITS = Path("/etc/systemd/system")
# What Chromium and Chrome read by themselves, so that nothing is needed to trust an authority.
POLICIES = (
    Path("/etc/chromium/policies/managed"),
    Path("/etc/opt/chrome/policies/managed"),
)


class Owner(NamedTuple):
    """Who runs the agent."""

    name: str
    uid: int
    gid: int


def options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("url", help="the bridge, for example https://192.0.2.10")
    parser.add_argument("code", nargs="?", help="the one-time code; left out: keep the key")
    parser.add_argument("--ca", type=Path, help="the bridge's own authority (PEM)")
    parser.add_argument("--state", type=Path, default=STATE, help="the agent's folder")
    parser.add_argument("--user", default=USER, help="whose desktop shows the kiosk")
    parser.add_argument("--with", dest="run", default="", help="options of the agent, in quotes")
    parser.add_argument(
        "--no-service", action="store_true", help="no user, no service: only the folder"
    )


def unit(text: str, owner: Owner, state: Path, run: list[str]) -> str:
    """The agent's unit for a user, a folder and options of the agent. Pure."""
    text = text.replace(str(STATE), str(state)).replace("User=kiosk", f"User={owner.name}")
    text = text.replace("/run/user/1000", f"/run/user/{owner.uid}")
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if line.startswith("ExecStart=") and run:
            # % begins a specifier and $ a variable of systemd
            quoted = shlex.join(run).replace("%", "%%").replace("$", "$$")
            lines[index] = f"{line} -- {quoted}"
        if line.startswith("StateDirectory") and state != STATE:
            lines[index] = f"# {line}"
    return "\n".join(lines) + "\n"


def policy(certificate: str) -> str:
    """The policy by which Chromium trusts an authority (PEM). Pure."""
    lines = certificate.strip().splitlines()
    body = "".join(line for line in lines if not line.startswith("-"))
    return json.dumps({"CACertificates": [body]}, indent=1) + "\n"


def install(bundle: Path, given: argparse.Namespace) -> None:
    """Install the agent out of a bundle. Raises `InstallError`, `NotABundle`, OSError."""
    service = not given.no_service
    if service and os.geteuid() != 0:
        raise InstallError("Run this as root: it makes a user and a service.")
    state: Path = given.state.absolute()
    settings = state / SETTINGS
    if given.code is None and not settings.exists():
        raise InstallError("This PC is not enrolled yet: give the one-time code after the address.")
    owner = _owner(given.user) if service else None
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner is not None:
        os.chown(state, owner.uid, owner.gid)
    print("unpacking …", flush=True)
    unpacked = _as(owner, [sys.executable, "-I", str(bundle), "unpack", str(state)], Path("/"))
    release = Path(unpacked.strip())
    if given.code is not None:
        command = ["-m", "endpoints.agent", "enrol", given.url, given.code, "--state", str(state)]
        if given.ca is not None:
            command += ["--ca", str(given.ca)]
        print(_as(owner, [str(release / ".venv/bin/python"), *command], release).strip())
    make_current(state, release.name)
    shutil.copyfile(release / "installation" / LAUNCHER, state / LAUNCHER)
    if owner is None:
        print(f"start it with: {sys.executable} -I {state / LAUNCHER} {state}")
        return
    for path in (state / "current", state / LAUNCHER):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    _trust(json.loads(settings.read_text("utf-8")).get("ca", ""))
    text = (release / "docs" / "systemd" / UNIT).read_text("utf-8")
    (UNITS / UNIT).write_text(unit(text, owner, state, shlex.split(given.run)), "utf-8")
    reload_systemd(enable=[UNIT])
    _say_what_is_missing(given.run)


def _owner(name: str) -> Owner:
    found = account(name, ["--create-home", "--groups", GROUPS, "--shell", "/bin/bash"])
    return Owner(found.pw_name, found.pw_uid, found.pw_gid)


def _as(owner: Owner | None, command: list[str], folder: Path) -> str:
    """Run a program as the agent's user: root runs nothing that this user can change."""
    who: dict[str, Any] = {}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder)}
    if owner is not None and os.geteuid() == 0:
        who = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
        environment["HOME"] = pwd.getpwuid(owner.uid).pw_dir
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
        **who,
    )
    if done.returncode != 0:
        raise InstallError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}.")
    return str(done.stdout)


def _trust(certificate: str) -> None:
    """Let the browsers of this PC trust the bridge's own authority, where it has one."""
    for folder in POLICIES if certificate else ():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "diem-cau.json").write_text(policy(certificate), "utf-8")


def _say_what_is_missing(run: str) -> None:
    if not systemd_runs():
        print("There is no systemd here: start the service's command yourself.")
    headless = "--no-kiosk" in run or "--camera" in run
    if not headless and not (shutil.which("chromium") or "--browser" in run):
        print("Chromium is missing. With a Debian mirror in reach: apt-get install chromium")
    print("The agent is installed. The console shows the point within a minute.")
