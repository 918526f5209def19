"""Which addresses alerts may be sent to: a rule's owner must not reach what only this machine reaches
(alerts.md, "Sending")."""

import asyncio
import socket
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

Ip = IPv4Address | IPv6Address

MOST_CHARACTERS = 2_000

_TRANSLATED_HERE = IPv6Network("64:ff9b:1::/48")
"""NAT64 of a net of one's own (RFC 8215)."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the last 32 bits are an IPv4 address."""


class BadAddress(ValueError):
    """Nothing is sent there; the text says why."""


@dataclass(frozen=True)
class Allowed:
    """What the operator allows beyond public addresses by https."""

    http: bool = False
    private: bool = False

    def check(self, text: str) -> httpx.URL:
        """The address that a text is. Raises `BadAddress`."""
        schemes = ("https", "http") if self.http else ("https",)
        if not text.isascii() or not text.isprintable() or len(text) > MOST_CHARACTERS:
            raise BadAddress(f"an address has at most {MOST_CHARACTERS:,} printable ASCII characters")
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise BadAddress("it is no address") from error
        if url.scheme not in schemes or not url.host:
            raise BadAddress(f"it must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host")
        if url.userinfo:
            raise BadAddress("it must hold no user and password")
        return url

    async def resolve(self, url: httpx.URL, threads: Executor) -> str:
        """An IP address of its host, once: the one to connect to. `threads`: the look-up may hold one of them for
        minutes. Raises `BadAddress`."""
        port = url.port or (443 if url.scheme == "https" else 80)
        look_up = partial(socket.getaddrinfo, url.host, port, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
        except (OSError, UnicodeError) as error:
            raise BadAddress("its host is not found") from error
        addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        if not self.private and not all(map(is_public, addresses)):
            raise BadAddress("its host has an address that is not public (SLUICE_ALERTS_PRIVATE allows those)")
        if not addresses:
            raise BadAddress("its host is not found")
        return str(addresses[0])


def is_public(address: Ip) -> bool:
    """Whether anybody reaches it: no private, loopback or link-local one, none for many, and none that hides such."""
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED_HERE or address.is_site_local:
            return False
        if address in _TRANSLATED:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if hidden:
            return is_public(hidden)
    return address.is_global and not address.is_multicast and not address.is_reserved
