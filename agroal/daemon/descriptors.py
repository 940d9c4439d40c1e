"""How many clients there are file descriptors for."""

from __future__ import annotations

import resource

from agroal.errors import ConfigurationError, Problem

RESERVED_DESCRIPTORS = 64
"""For the log, the listeners, management, cancel requests and what Python opens now and then."""


def client_descriptors(max_connections: int) -> int:
    """How many clients there are descriptors for beside the servers', after the soft limit was raised to the hard one.

    Raises ConfigurationError when there are none.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    # A server connection may have a cancel request beside it.
    clients = limit - RESERVED_DESCRIPTORS - max_connections
    if clients < max_connections:
        needed = RESERVED_DESCRIPTORS + 2 * max_connections
        raise ConfigurationError(
            [
                Problem(
                    "agroal",
                    0,
                    "max_connections",
                    f"{max_connections} server connections and as many clients need {needed} file descriptors, "
                    f"and the limit is {limit}: raise it (ulimit -n, LimitNOFILE), or lower max_connections",
                )
            ]
        )
    return clients
