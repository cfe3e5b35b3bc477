"""What has to be read from the disk: its free space, and the server's certificate."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509


@dataclass(slots=True)
class Host:
    """Figures of the server's disk and certificate. Sizes in octets, the certificate's end in UTC
    seconds; 0 where there is nothing."""

    disk_free: float = 0.0
    disk_size: float = 0.0
    certificate: float = 0.0


def read_host(state: Path, certificate: Path | None) -> Host:
    """Look at the disk and the server's certificate."""
    found = Host()
    with contextlib.suppress(OSError):
        disk = os.statvfs(state)
        found.disk_free = float(disk.f_bavail * disk.f_frsize)
        found.disk_size = float(disk.f_blocks * disk.f_frsize)
    if certificate is not None:
        with contextlib.suppress(OSError, ValueError):
            loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
            found.certificate = loaded.not_valid_after_utc.timestamp()
    return found
