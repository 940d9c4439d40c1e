"""The files of listening Unix sockets: there while their daemon lives, replaced when left behind, never taken from a
living one.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from agroal.errors import ConfigurationError, Problem


def listening_socket(path: Path, mode: int, backlog: int) -> socket.socket:
    """A non-blocking listening socket at `path`, open to those whom `mode` names.

    The file of a daemon that is gone is replaced, that of a living one is not. Two daemons that start in the very same
    moment may both find the file stale; the TCP port and the pidfile part those. Raises ConfigurationError.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        mask = os.umask(~mode & 0o777)  # not chmod afterwards: there must be no moment in which others may connect
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        why = f"{error.strerror or error}; the directory must exist, be writable, and have a short name"
        raise _cannot_listen(path, why) from error
    except ConfigurationError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise _cannot_listen(path, "a file that is no socket is there; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full backlog is an answer, too: somebody listens
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass
    raise _cannot_listen(
        path, "another agroal is running and listens there; stop it, or give this one another port or directory"
    )


def _cannot_listen(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError([Problem("agroal", 0, "unix_socket_dir", f"can't listen on {path}: {why}")])
