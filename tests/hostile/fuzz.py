"""Coverage-guided fuzzing of one target: ``python -m tests.hostile.fuzz TARGET SECONDS FOLDER``.

What ends the target is written into FOLDER and belongs, once it is mended, into
``tests/hostile/crashes/TARGET``, where it is tried again by every `make test`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris


def main() -> None:
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with atheris.instrument_imports(include=["bridge"]):
        from tests.hostile import fuzz_targets
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(fuzz_targets.seeds(name)):
        (corpus / f"seed{number}").write_bytes(seed)
    arguments = [
        *(sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", "-timeout=60"),
        *(f"-artifact_prefix={folder}/", "-print_final_stats=1", str(corpus)),
    ]
    atheris.Setup(arguments, fuzz_targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
