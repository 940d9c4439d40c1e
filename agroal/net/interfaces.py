"""The addresses of this machine with their networks, for `samehost` and `samenet` in the HBA file. Linux only.

IPv4 from ioctl(2) as in netdevice(7), IPv6 from /proc/net/if_inet6.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

SIOCGIFADDR = 0x8915
SIOCGIFNETMASK = 0x891B


def interfaces() -> tuple[IPv4Interface | IPv6Interface, ...]:
    """Whatever can be found out; an interface without an address is left out."""
    return (*_ipv4(), *_ipv6())


def _ipv4() -> list[IPv4Interface]:
    found: list[IPv4Interface] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                address = fcntl.ioctl(sock, SIOCGIFADDR, request)[20:24]
                mask = fcntl.ioctl(sock, SIOCGIFNETMASK, request)[20:24]
            except OSError:
                continue
            found.append(IPv4Interface(f"{socket.inet_ntoa(address)}/{socket.inet_ntoa(mask)}"))
    return found


def _ipv6() -> list[IPv6Interface]:
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:
        return []
    columns = [line.split() for line in lines]
    return [IPv6Interface((int(column[0], 16), int(column[2], 16))) for column in columns if len(column) >= 3]
