"""Become another program: under another user if asked, and mortal with the parent.

    python leash.py PARENT SIGNAL UID GID COMMAND [ARGUMENT …]

What a demonstration or a test starts must not outlive it, not even when that is killed outright and can clean up
nothing. On Linux the kernel sees to it: the process asks for SIGNAL at the death of its parent (prctl(2),
PR_SET_PDEATHSIG). The wish survives the exec but not a change of user, so the user comes first. PARENT is the process
that is meant: if it has died in the meantime, nothing is started. A "-" for SIGNAL, UID or GID leaves that as it is.

It is a program and not a `preexec_fn`: Python code between fork and exec is unsafe as soon as there are threads.
It imports nothing of agroal: a user who may not read the package can still be the one who runs it.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def become(user: int, group: int) -> None:
    """Give up the rights of root for good, supplementary groups included."""
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def die_with(parent: int, signal: int) -> None:
    """Ask for `signal` when the parent dies; leave at once if it is dead already. Elsewhere than on Linux: nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(0)


def main(arguments: list[str]) -> None:
    parent, signal, user, group, *command = arguments
    if user != "-":
        become(int(user), int(group))
    if signal != "-":
        die_with(int(parent), int(signal))
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
