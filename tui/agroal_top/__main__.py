"""The program agroal-top, until the dashboard is there."""

from __future__ import annotations

import sys


def main() -> int:
    """Say what there is instead. Exit status 1: nothing was shown."""
    sys.stderr.write(
        "agroal-top: the dashboard comes with a later release; until then, `agroal-cli status details` shows the pool\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
