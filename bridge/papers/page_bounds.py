"""What a process that draws pages may take. Read by the control process too, which never reads the
code that draws."""

from __future__ import annotations

MEMORY = 1 << 30  # octets of address space
SECONDS = 20  # of processor time for a page
