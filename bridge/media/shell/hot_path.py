"""Whether datagrams are forwarded by the compiled turn or by Python, and where compiled code is
kept.

``DIEMCAU_HOT_PATH`` says ``auto`` (the compiled turn where it runs here; the default),
``compiled`` (the same, and an error where it does not) or ``python``. What numba compiled lies in a
folder of its own for every state of the sources, Python, numba and processor: numba looks at the
file of a function only, and not at what it calls. The folder is read by pickle, so nobody else may
write there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.media.core import MediaCore
    from bridge.media.hot.following import Following
    from bridge.media.shell.compiled import CompiledTurn

CHOICE = "DIEMCAU_HOT_PATH"
CHOICES = ("auto", "compiled", "python")
DEFAULT = "auto"
CACHE = "DIEMCAU_COMPILED"  # a folder, where the usual ones will not do
KEPT = 4  # folders of earlier states that are left in place
READY = "ready"  # a file in a folder with everything in it
LOCK = "compiling"  # a file that is locked by the one process that compiles for a folder

MEDIA = Path(__file__).parent.parent
ENTRY = MEDIA / "shell" / "compiled.py"  # with the function that is kept

log = logging.getLogger("media")


class Unavailable(Exception):
    """Why there is no compiled turn here, as a sentence for the log."""


def choice() -> str:
    """What ``DIEMCAU_HOT_PATH`` says. Raises ValueError."""
    said = os.environ.get(CHOICE, "") or DEFAULT
    if said not in CHOICES:
        raise ValueError(f"{CHOICE} is one of {', '.join(CHOICES)}, not {said!r}.")
    return said


class HotPath:
    """The compiled half of a worker that is about to start. Raises Unavailable.

    A worker does not wait for it: Python forwards until `ready`. That takes half a second, or as
    long as another process compiles, the first time.
    """

    def __init__(self) -> None:
        try:
            version = importlib.metadata.version("numba")
        except importlib.metadata.PackageNotFoundError as error:
            raise Unavailable("numba is not installed.") from error
        try:
            from bridge.media.hot.following import Following  # noqa: PLC0415 - wants OpenSSL
        except Exception as error:
            raise Unavailable(str(error)) from error
        self.folder = _folder(version)
        self.following: Following = Following()
        self._compiled: ModuleType | None = None
        self._compiler: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._settled = False

    @property
    def warm(self) -> bool:
        """Whether the code only has to be read."""
        return (self.folder / READY).exists()

    @property
    def ready(self) -> bool:
        """Whether `turn` may be called."""
        return self._compiled is not None

    @property
    def settled(self) -> bool:
        """Whether what `begin` began is over, whether or not it is `ready`."""
        return self._settled

    def keep_there(self) -> None:
        """Let what is compiled from now on be kept in ``folder``, and nowhere else: what numba
        keeps beside a file it takes for current as long as that file is."""
        import numba  # noqa: PLC0415 - half a second

        numba.config.CACHE_DIR = str(self.folder)  # type: ignore[attr-defined]

    def compile(self) -> None:
        """Compile or read the code. The former takes 15 to 30 s of a core."""
        self.keep_there()
        from bridge.media.shell import compiled  # noqa: PLC0415

        compiled.compile_now(self.following)
        if not self.warm:
            (self.folder / READY).touch()
            _forget_old(self.folder)
        self._compiled = compiled

    def begin(self) -> None:
        """Become ready, in a thread. Where the code has to be compiled first, another process
        does that, so that media does not wait for it."""
        threading.Thread(target=self._become_ready, daemon=True).start()

    def _become_ready(self) -> None:
        try:
            if not self.warm:
                log.info("the forwarding of media is being compiled; Python forwards until then")
                command = [sys.executable, "-m", "bridge.media.shell.compile"]
                self._compiler = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, cwd=MEDIA.parent.parent
                )
                if self._closed:  # meanwhile
                    self.close()
                self._compiler.wait()
            if self._closed:
                return
            if not self.warm:  # compiling in this process would hold up media
                log.error("the forwarding of media could not be compiled; Python forwards")
                return
            self.compile()
        except Exception:  # Python goes on forwarding, and the log says why
            log.exception("the compiled forwarding of media cannot be used; Python forwards")
        finally:
            self._settled = True

    def close(self) -> None:
        """End the other process."""
        self._closed = True
        if self._compiler is not None and self._compiler.poll() is None:
            self._compiler.terminate()

    def turn(self, core: MediaCore) -> CompiledTurn:
        """The compiled turn for a core whose objects ``following`` made."""
        assert self._compiled is not None
        made: CompiledTurn = self._compiled.CompiledTurn(core, self.following)
        return made


def prepare(say: Callable[[str], None]) -> bool:
    """Compile where that was not done yet; False (and a sentence) where it cannot be done."""
    try:
        path = HotPath()
    except Unavailable as error:
        say(f"Media will be forwarded by Python: {error}")
        return False
    if not path.warm:
        say("Compiling the forwarding of media, once (10 to 30 s) …")
        with _alone(path.folder):
            path.compile()
    return True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process compiles for a folder; others wait for it, and then only read. The kernel takes
    the lock back from a process that was killed."""
    with (folder / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _folder(numba: str) -> Path:
    """Where code compiled of these sources on this machine is kept; it exists afterwards. Raises
    Unavailable."""
    # numba compiles anew for another file, also where only its path or its time is another one.
    stated = ENTRY.stat()
    facts = (sys.version, numba, platform.machine(), _processor(), ENTRY, stated.st_mtime_ns)
    state = hashlib.sha256(repr(facts).encode())
    for path in sorted(MEDIA.rglob("*.py")):
        state.update(path.read_bytes())
    name = state.hexdigest()[:16]
    for base in _bases():
        folder = base / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        if folder.stat().st_uid == os.getuid():
            return folder
    raise Unavailable(f"No folder for compiled code can be written; {CACHE} may name one.")


def _bases() -> list[Path]:
    """Folders that may be ours, the best one first: a service's state, the virtual environment."""
    named = os.environ.get(CACHE, "")
    if named:
        return [Path(named)]
    states = os.environ.get("STATE_DIRECTORY", "").split(":")[:1]
    found = [Path(state) / "compiled" for state in states if state]
    found.append(Path(sys.prefix) / "var" / "compiled")
    with contextlib.suppress(RuntimeError):  # a user without a home
        found.append(Path.home() / ".cache" / "diem-cau")
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    facts = {line.partition("\t")[0]: line for line in lines if line}
    return " ".join(facts.get(name, "") for name in ("model name", "flags", "Features"))


def _forget_old(folder: Path) -> None:
    """Remove folders of earlier states, but the latest ones."""
    others = [p for p in folder.parent.iterdir() if p.is_dir() and p != folder]
    others.sort(key=lambda p: p.stat().st_mtime)
    for old in others[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
