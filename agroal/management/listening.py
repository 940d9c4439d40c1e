"""The socket file: there while its daemon lives, replaced when it was left behind, never taken from a living one."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from agroal.errors import ManagementError
from agroal.management.wire import Code


def listening_socket(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600.

    The file of a daemon that is gone is replaced, that of a living one is not. Two daemons that start in the very same
    moment may both find the file stale; the TCP port and the pidfile part those.
    Raises ManagementError: `already-running` or `cannot-listen`.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        mask = os.umask(0o177)  # not chmod afterwards: there must be no moment in which others may connect
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen()
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        why = f"{error.strerror or error}; unix_socket_dir must exist, be writable, and have a short name"
        raise ManagementError(Code.CANNOT_LISTEN, f"can't listen on {path}: {why}") from error
    except ManagementError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise ManagementError(
            Code.CANNOT_LISTEN, f"can't listen on {path}: a file that is no socket is there; move it away"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full backlog is an answer, too: somebody listens
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass
    message = (
        f"another agroal is running and listens on {path}: stop it, or give this one another port or unix_socket_dir"
    )
    raise ManagementError(Code.ALREADY_RUNNING, message)
