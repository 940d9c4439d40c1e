"""Starts a program as systemd does one that is activated by its sockets.

    python activation.py NAMES DESCRIPTOR,… COMMAND [ARGUMENT …]

The descriptors become 3 and those after it, under these names (joined by colons; a "-" is for none), and the process
is the one that is meant.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Sequence

FIRST, ASIDE = 3, 100


def command(names: str, descriptors: Sequence[int]) -> list[str]:
    """What to put before a command line."""
    return [sys.executable, "-I", "-S", __file__, names or "-", ",".join(map(str, descriptors))]


def main(arguments: list[str]) -> None:
    names, given, *program = arguments
    aside = [fcntl.fcntl(int(one), fcntl.F_DUPFD, ASIDE) for one in given.split(",") if one]
    for number, one in enumerate(aside, FIRST):
        os.dup2(one, number)
        os.close(one)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(aside))}
    if names != "-":
        os.environ["LISTEN_FDNAMES"] = names
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
