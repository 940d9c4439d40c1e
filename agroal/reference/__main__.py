"""Writes what is generated, or says which of it is not as it would be written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agroal.reference.files import differing, write


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 done or all as it should be, 1 something differs."""
    parser = argparse.ArgumentParser(prog="python -m agroal.reference", description=__doc__, allow_abbrev=False)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(), metavar="DIR", help="the project (here)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 when a file differs")
    options = parser.parse_args(arguments)
    if options.check:
        stale = differing(options.directory)
        sys.stderr.write("".join(f"{path} is not what the tables say: run `make docs`\n" for path in stale))
        return 1 if stale else 0
    sys.stdout.write("".join(f"wrote {path}\n" for path in write(options.directory)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
