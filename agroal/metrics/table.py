"""All metrics, in the order in which they are shown."""

from __future__ import annotations

from agroal.metrics.clients import CLIENTS
from agroal.metrics.connections import CONNECTIONS
from agroal.metrics.daemon import DAEMON
from agroal.metrics.family import Family
from agroal.metrics.pools import POOLS
from agroal.metrics.servers import SERVERS

CHAPTERS: tuple[tuple[str, tuple[Family, ...]], ...] = (
    ("Pools", POOLS),
    ("Clients", CLIENTS),
    ("Connections to PostgreSQL", CONNECTIONS),
    ("Servers", SERVERS),
    ("The daemon", DAEMON),
)
FAMILIES = tuple(family for _, families in CHAPTERS for family in families)
PROCESS = (
    ("process_virtual_memory_bytes", "gauge", "Its address space."),
    ("process_resident_memory_bytes", "gauge", "Its memory."),
    ("process_start_time_seconds", "gauge", "When it began, in seconds since 1970."),
    ("process_cpu_seconds_total", "counter", "Its time on processors."),
    ("process_open_fds", "gauge", "Its open file descriptors."),
    ("process_max_fds", "gauge", "How many it may have."),
)
"""What prometheus-client finds out about the process, where there is a /proc: by their usual names, without prefix."""
