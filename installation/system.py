"""Users and services of the machine, for both installers."""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path

from installation.release import InstallError


def account(name: str, options: list[str]) -> pwd.struct_passwd:
    """A user of this machine, made with options of useradd(8) where there is none."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        run(["useradd", *options, name])
        return pwd.getpwnam(name)


def systemd_runs() -> bool:
    """Whether systemd manages this machine (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def reload_systemd(enable: list[str]) -> None:
    """Take in new units and enable some of them, started at once; nothing without systemd."""
    if systemd_runs():
        run(["systemctl", "daemon-reload"])
        for unit in enable:
            run(["systemctl", "enable", unit])
            run(["systemctl", "restart", unit])


def run(command: list[str]) -> None:
    """Run a program of the system. Raises `InstallError` with what it says."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise InstallError(f"{' '.join(command)}: {done.stderr.strip()}")
