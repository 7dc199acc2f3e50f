"""Where the city connects to: by the address, whatever the name."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from kitamae.kernel.context.subscription.destinations import CheckedResolver, Destinations, Refused
from kitamae.kernel.problems import BadRequest

PUBLIC = ["203.0.114.1", "8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"]
INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "198.18.0.1", "192.0.2.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_allowed(address: str) -> None:
    assert Destinations().allows(address)


@pytest.mark.parametrize("address", INSIDE)
def test_everything_else_is_refused(address: str) -> None:
    assert not Destinations().allows(address)


def test_the_operator_adds_networks_and_open_adds_loopback_alone() -> None:
    inside = Destinations.of(["10.20.0.0/16", "fd00::/8"])
    assert inside.allows("10.20.3.4")
    assert inside.allows("::ffff:10.20.3.4")
    assert inside.allows("fd00::1")
    assert not inside.allows("10.21.0.1")
    assert not inside.allows("127.0.0.1")
    opened = Destinations(loopback=True)
    assert opened.allows("127.0.0.1")
    assert opened.allows("::1")
    assert not opened.allows("10.0.0.1")
    with pytest.raises(ValueError, match=r"10\.20"):
        Destinations.of(["10.20.0.1/16"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/", "http://[::1]:8080/x",
        "http://[::ffff:127.0.0.1]/", "http://10.0.0.1./", "file:///etc/passwd", "http:///x", "gopher://a.example/",
        "https://user:pass@192.168.0.1/", "http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0｡0｡1/",
        "http://１２７.0.0.1/", "http://[", "http://[::1", "http://[::1]x/", "http://a.example:99999999/",
    ],
)  # fmt: skip
def test_a_number_for_a_host_is_judged_before_anybody_connects(url: str) -> None:
    with pytest.raises(BadRequest):
        Destinations().check(url)


def test_a_name_is_judged_only_when_it_is_resolved() -> None:
    Destinations().check("https://town.example/notify")


class Names:
    """A name server under the attacker's control."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        return [
            {"hostname": host, "host": a, "port": port, "family": family, "proto": 0, "flags": 0}
            for a in self.addresses
        ]

    async def close(self) -> None:
        return None


async def test_only_allowed_addresses_of_a_name_are_connected_to() -> None:
    names: Any = Names("10.0.0.1", "8.8.8.8", "::1")
    found = await CheckedResolver(Destinations(), names).resolve("mixed.example", 80)
    assert [one["host"] for one in found] == ["8.8.8.8"]


async def test_a_name_that_leads_inside_is_refused() -> None:
    names: Any = Names("169.254.169.254")
    with pytest.raises(Refused, match=r"evil\.example"):
        await CheckedResolver(Destinations(), names).resolve("evil.example", 80)
