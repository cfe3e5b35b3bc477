"""Where the programs of other SFUs lie. Nothing is looked for on the machine, but what is on the
path by its usual name."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths as given on the command line; None: that SFU is not measured."""

    janus: Path | None = None
    janus_config: Path = Path("/etc/janus")  # folder with the distribution's *.jcfg files
    mediasoup: Path | None = None  # folder whose node_modules holds mediasoup
    mediasoup_worker: Path | None = None  # its worker, where it is not inside the package
    node: Path = Path("node")
    livekit: Path | None = None
    galene: Path | None = None
    galene_static: Path | None = None  # its folder `static`

    @property
    def found(self) -> list[str]:
        """Names of the SFUs that can be measured, in the order of the table."""
        names = {
            "mediasoup": self.mediasoup is not None,
            "janus": self.janus is not None,
            "livekit": self.livekit is not None,
            "galene": self.galene is not None and self.galene_static is not None,
        }
        return [name for name, there in names.items() if there]


def on_the_path(name: str) -> Path | None:
    """A program of this name, as the shell would find it."""
    found = shutil.which(name)
    return Path(found) if found else None
