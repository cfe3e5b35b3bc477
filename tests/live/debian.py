"""Bare Debians in folders, in namespaces of their own: made with debootstrap once, kept in the
cache of this user, and laid under each machine that a test makes of them. Needs root, unshare."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SUITES = {"bookworm": "3.11", "trixie": "3.13"}  # Debian 12 and 13, and their Python
# Besides the smallest system: what Debian's installer leaves on every machine, and what the
# documents name where they use it.
PACKAGES = ("python3", "ca-certificates", "libnss3-tools", "curl")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diem-cau" / "debian"
LONGEST = 1500  # seconds that one command may take on a loaded machine; a bundle comes at 1 MiB/s


def missing() -> str:
    """What keeps a bare Debian from being made here; "" where nothing does."""
    if os.geteuid() != 0:
        return "a bare Debian needs root"
    for tool in ("debootstrap", "setpriv", "unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            return f"a bare Debian needs {tool}"
    return ""


def base(suite: str) -> Path:
    """The folder of a suite's bare system, made where it is not there yet; it is never changed."""
    folder = CACHE / suite
    if not (folder / ".complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        done = subprocess.run(
            [*command, suite, str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise OSError(done.stdout[-2000:] + done.stderr[-2000:])
        (folder / ".complete").touch()
    return folder


class Network:
    """A network of its own, loopback only, with the addresses of documents on it; and the mounts
    and processes of its machines, all of which end with it."""

    def __init__(self, addresses: list[str], *, isolated: bool = True) -> None:
        """Without ``isolated`` the network is this machine's."""
        kinds = ["--mount", "--pid", *(["--net"] if isolated else [])]
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            *kinds,
            "--fork",
            "--kill-child",
            "sleep",
            "infinity",
        ]
        self._holder = subprocess.Popen(command)
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        while not (inside := children.read_text().split()):
            time.sleep(0.01)
        self._enter = ["nsenter", "--target", inside[0], "--mount", "--pid"]
        if isolated:
            self._enter.append("--net")
            self.outside("ip link set lo up")
            for address in addresses:
                self.outside(f"ip address add {address} dev lo")
            # The unit gives the capability; there is no systemd here.
            self.outside("echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start")

    def outside(self, command: str) -> None:
        """Run a command of this machine within the namespaces."""
        subprocess.run([*self._enter, "sh", "-c", command], check=True, capture_output=True)

    def popen(self, root: Path, command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command in a machine."""
        with log.open("wb") as sink:
            return subprocess.Popen(
                self._within(root, command), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )

    def run(self, root: Path, command: str, typed: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a machine to its end."""
        return subprocess.run(
            self._within(root, command),
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    def _within(self, root: Path, command: str) -> list[str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        environment = ["env", "-i", f"PATH={path}", "HOME=/root", "LANG=C.UTF-8"]
        return [*self._enter, "chroot", str(root), *environment, "sh", "-ec", f"cd; {command}"]

    def end(self) -> None:
        """End everything inside."""
        self._holder.kill()
        self._holder.wait()


class Machine:
    """A fresh bare Debian."""

    def __init__(self, network: Network, suite: str, folder: Path) -> None:
        self._network = network
        self._folder = folder
        self.root = folder / "root"
        for name in ("root", "upper", "work"):
            (folder / name).mkdir(parents=True)
        layers = f"lowerdir={base(suite)},upperdir={folder}/upper,workdir={folder}/work"
        network.outside(f"mount -t overlay overlay -o {layers} {self.root}")
        network.outside(f"mount -t proc proc {self.root}/proc")
        network.outside(f"mount --bind /dev {self.root}/dev")

    def path(self, name: str) -> Path:
        """Where a file of the machine can be put before a command needs it."""
        return self._folder / "upper" / name.lstrip("/")

    def put(self, source: Path, name: str) -> None:
        """Bring a file, as on a stick."""
        self._network.outside(f"cp {source} {self.root}/{name.lstrip('/')}")

    def run(self, command: str, *, typed: str = "", code: int | None = 0) -> str:
        """Run a command as root, as it stands in a document; return what it prints."""
        done = self._network.run(self.root, command, typed)
        if code is not None and done.returncode != code:
            raise AssertionError(f"$ {command}\n{done.stdout[-4000:]}\n→ {done.returncode}")
        return done.stdout

    @contextlib.contextmanager
    def running(self, command: str) -> Iterator[Path]:
        """A command that runs meanwhile; yields the file with what it says."""
        log = self._folder / f"log-{time.monotonic_ns()}"
        child = self._network.popen(self.root, command, log)
        try:
            yield log
        finally:
            child.terminate()
            child.wait()


@contextlib.contextmanager
def network(addresses: list[str], *, isolated: bool = True) -> Iterator[Network]:
    """A `Network` that ends by itself."""
    made = Network(addresses, isolated=isolated)
    try:
        yield made
    finally:
        made.end()
