"""Installs the bridge on a server, or on a machine that serves viewers for one: program, user,
folders, units. Starts nothing: the topology comes first, and which units a machine is to run."""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from installation.release import InstallError, current, make_current, prune, unpack
from installation.system import account, reload_systemd, run, systemd_runs

HOME = Path("/opt/diem-cau")
STATE = Path("/var/lib/diem-cau")
BACKUPS = Path("/var/backups/diem-cau")
SETTINGS = Path("/etc/diem-cau")
USER = "diem-cau"
UNITS = (
    "diem-cau-worker.service",
    "diem-cau-worker@.service",
    "diem-cau.service",
    "diem-cau-relay.service",
)
VARIABLES = ("worker.env", "relay.env")
WHERE_UNITS = Path("/etc/systemd/system")
COMMAND = Path("/usr/local/bin/diem-cau")
SYSCTL = Path("/etc/sysctl.d/60-diem-cau.conf")
BUFFERS = "net.core.rmem_max = 8388608\nnet.core.wmem_max = 8388608\n"  # octets of UDP
# The placeholder in the example, and where the bridge's user may write.
EXAMPLE_STATE, REAL_STATE = "state: ../var/example", f"state: {STATE}"

WRAPPER = f"""\
#!/bin/sh
# bridge.py of the current release, as the user whose files it works on.
export DIEM_CAU_FILE="${{DIEM_CAU_FILE:-{SETTINGS}/topology.yaml}}"
set -- {HOME}/current/.venv/bin/python {HOME}/current/bridge.py "$@"
[ "$(id -u)" != 0 ] || exec runuser -u {USER} -- "$@"
exec "$@"
"""


def options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--home", type=Path, help="only unpack it there: no user, no folders, no units"
    )


def install(bundle: Path, given: argparse.Namespace) -> None:
    """Install the bridge out of a bundle, or bring an installed one to it. Raises
    `InstallError`, `NotABundle`, OSError."""
    if given.home is None and os.geteuid() != 0:
        raise InstallError("Run this as root: it makes a user, folders and services.")
    home: Path = (given.home or HOME).absolute()
    home.mkdir(parents=True, exist_ok=True)
    before = current(home)
    print("unpacking …", flush=True)
    release = unpack(bundle, home, keep_bundle=True)
    make_current(home, release.name)
    prune(home, {release.name, *({before.name} if before is not None else ())})
    if given.home is None:
        _system(release)
    print(f"{release} is the current release")
    if before is not None and before != release:
        print("systemctl restart 'diem-cau-worker*' diem-cau    # between conferences")
        print(f"The one before is kept: ln -sfn releases/{before.name} {home}/current goes back.")


def _system(release: Path) -> None:
    owner = account(USER, ["--system", "--home", str(STATE), "--shell", "/usr/sbin/nologin"])
    for folder, mode in ((STATE, 0o700), (BACKUPS, 0o700), (SETTINGS, 0o750)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    topology = SETTINGS / "topology.yaml"
    if not topology.exists():
        text = (release / "config" / "example.yaml").read_text("utf-8")
        topology.write_text(text.replace(EXAMPLE_STATE, REAL_STATE), "utf-8")
        topology.chmod(0o640)
        os.chown(topology, owner.pw_uid, owner.pw_gid)
    for name in VARIABLES:
        if not (SETTINGS / name).exists():
            shutil.copyfile(release / "docs" / "systemd" / name, SETTINGS / name)
    COMMAND.parent.mkdir(parents=True, exist_ok=True)
    COMMAND.write_text(WRAPPER, "utf-8")
    COMMAND.chmod(0o755)
    SYSCTL.parent.mkdir(parents=True, exist_ok=True)
    SYSCTL.write_text(BUFFERS, "utf-8")
    WHERE_UNITS.mkdir(parents=True, exist_ok=True)
    for name in UNITS:
        shutil.copyfile(release / "docs" / "systemd" / name, WHERE_UNITS / name)
    _compile(release, owner)
    reload_systemd(enable=[])
    if systemd_runs():
        run(["sysctl", "--quiet", "--load", str(SYSCTL)])


def _compile(release: Path, owner: pwd.struct_passwd) -> None:
    """Compile the forwarding of media beforehand, as the worker's user and where its unit may
    write. Where that fails the worker says why and forwards by Python: nothing to stop for."""
    print("compiling the forwarding of media, once (10 to 30 s) …", flush=True)
    done = subprocess.run(
        [str(release / ".venv" / "bin" / "python"), "-m", "bridge.media.shell.compile"],
        cwd=release,
        env={"PATH": os.environ.get("PATH", ""), "STATE_DIRECTORY": str(STATE)},
        user=owner.pw_uid,
        group=owner.pw_gid,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or "forwarded by Python" in done.stderr:
        lines = done.stderr.strip().splitlines() or [f"code {done.returncode}"]
        print(f"The forwarding was not compiled; it works without, at a higher cost: {lines[-1]}")
