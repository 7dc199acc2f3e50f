"""Where the city may send to or fetch from: checked on the address after name resolution, never on the name alone.

A name that leads into the town hall's own network must not let a subscriber reach it (server-side request forgery).
So the resolver that the connection itself uses throws out every address that is not allowed, and what is written as a
number is checked before. Only addresses of the public internet are allowed, and what the operator adds.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(OSError):
    """The operator does not allow that address."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """`networks` are allowed beside the public internet; `loopback` only with `--open`."""

    networks: tuple[Network, ...] = ()
    loopback: bool = False

    @classmethod
    def of(cls, networks: Iterable[str], *, loopback: bool = False) -> Destinations:
        """From the operator's list: `10.20.0.0/16`, `192.168.1.5`, `fd00::/8`. Raises ValueError naming a wrong one."""
        return cls(tuple(ipaddress.ip_network(one) for one in networks), loopback)

    def allows(self, address: str) -> bool:
        """Whether a connection to that address may be made; what is no address is refused."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        ip = _inner(ip)
        if any(ip.version == network.version and ip in network for network in self.networks):
            return True
        if ip.is_loopback:
            return self.loopback
        return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)

    def check(self, url: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
        """Raises BadRequest for an address that can be refused without asking for its name.

        A host of digits and dots, or with a colon, would not be resolved by the client, so it must be an address in
        its usual spelling (`2130706433` and `127.1` are not). The host is the one that the client itself reads out of
        the URL: `127。0。0。1` is 127.0.0.1 to it.
        """
        try:
            parts = URL(url)
            host = (parts.raw_host or "").rstrip(".")
        except ValueError as wrong:
            raise BadRequest(
                f"{url!r:.200}: expected an address of {' or '.join(schemes)}: {wrong}"
            ) from None
        if parts.scheme not in schemes or not host:
            raise BadRequest(f"{url!r:.200}: expected an address of {' or '.join(schemes)}")
        if (":" in host or host.replace(".", "").isdigit()) and not self.allows(host):
            raise BadRequest(f"{host}: the operator of this city does not allow connections to that address")


def _inner(ip: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip.sixtofour is not None:
            return ip.sixtofour
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


class CheckedResolver(AbstractResolver):
    """The client's resolver: the answers of the system's, without the addresses that are not allowed."""

    def __init__(self, destinations: Destinations, inner: AbstractResolver | None = None) -> None:
        self._destinations = destinations
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises Refused when nothing is left."""
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if self._destinations.allows(one["host"])]
        if not allowed:
            raise Refused(f"{host}: the operator of this city does not allow connections to its address")
        return allowed

    async def close(self) -> None:
        """Let go of the system's resolver."""
        await self._inner.close()


def outward(destinations: Destinations, *, seconds: float, **headers: str) -> aiohttp.ClientSession:
    """For requests to elsewhere: only to addresses that are allowed, without cookies, and past no proxy. `seconds`: for a whole request."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=CheckedResolver(destinations)),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=seconds),
        headers={"User-Agent": "Kitamae", **headers},
        trust_env=False,
    )
