"""The first thing that a room PC runs: fetches the bundle from the bridge, checks it, starts it.

The bridge serves this text at ``/api/v1/install`` with the constants filled in and a call of `run`
at its end. The line that an admin prints holds the beginning of the text's SHA-256, so whoever
stands between the PC and the bridge can change neither this text, nor the authority in it, nor the
bundle.
"""

import hashlib
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

SHA256 = ""  # of the bundle, hexadecimal
SIZE = 0  # octets of the bundle
AUTHORITY = ""  # the bridge's own authority (PEM); "" where it has a public certificate
BLOCK = 1 << 18  # octets


def fetch(address: str, path: str) -> None:
    """Write the bundle to a file. Ends the process with a sentence where it is not the one that
    was promised, or does not come."""
    context = ssl.create_default_context(cadata=AUTHORITY or None)
    found, size = hashlib.sha256(), 0
    try:
        with (
            urllib.request.urlopen(address, context=context) as source,  # noqa: S310 - typed in
            open(path, "wb") as sink,
        ):
            while size <= SIZE and (block := source.read(BLOCK)):
                sink.write(block)
                found.update(block)
                size += len(block)
                print(f"\r{size / 1e6:.0f} of {SIZE / 1e6:.0f} MB", end="", file=sys.stderr)
        print(file=sys.stderr)
    except urllib.error.HTTPError as error:
        sys.exit(f"The bridge answers {error.code} {error.reason}. Try again in a minute.")
    except OSError as error:
        sys.exit(f"The bridge's bundle could not be fetched: {error}.")
    if size != SIZE or found.hexdigest() != SHA256:
        sys.exit("What came is not the bridge's bundle. Nothing was run. Print a new line.")


def run(base: str, arguments: list[str]) -> None:
    """Fetch the bundle from the bridge and install the agent with it; ``arguments`` are the
    one-time code and options."""
    if os.geteuid() != 0 and "--no-service" not in arguments:
        sys.exit("Run this line as root, for example after: su -")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - the agent's own user unpacks it
        bundle = os.path.join(folder, "diem-cau.pyz")
        fetch(f"{base}/api/v1/bundle", bundle)
        command = [sys.executable, "-I", bundle, "agent", base, *arguments]
        if AUTHORITY:
            ca = os.path.join(folder, "ca.crt")
            with open(ca, "w", encoding="ascii") as file:
                file.write(AUTHORITY)
            command += ["--ca", ca]
        sys.exit(subprocess.run(command, check=False).returncode)
