"""Tokens of programs that may say what only sensors should: how it came to be measured is then anybody's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.doctor.finding import Kind
from kitamae.kernel.people.person import ONE
from kitamae.kernel.people.policy.facts import UNREGISTERED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kitamae.doctor.finding import Found
    from kitamae.kernel.people.records import Token
    from kitamae.opened import City

PROGRAMS: Final = Kind(
    "program-writes-as-sensor",
    "note",
    "Tokens of programs that may write what sensors of the public register write: {tokens}.",
    "Such a token is bound to no sensor's key: who has it can report any reading for every sensor.",
    "Give the sensors keys of their own at /staff/devices, then: kitamae token revoke NUMBER.",
)
UNREGISTERED_TOO: Final = Kind(
    "program-writes-unregistered",
    "warn",
    "Tokens of programs that may write for sensors which are not in the public register: {tokens}.",
    "People see readings and cannot find out who measures there and why.",
    "Register those sensors, then make tokens without operate:system:unregistered-sensors.",
)


async def look(city: City) -> AsyncIterator[Found]:
    """By name and number, of every tenant."""
    if not (sensed := {f"write:entity:{one}" for one in city.installed.sensed}):
        return
    tokens = [one for one in await city.people.tokens.all() if one["role"] == "service"]
    tokens = [
        one for one in tokens if any(s == "write:*" or s.partition(ONE)[0] in sensed for s in one["scopes"])
    ]
    told = [one for one in tokens if UNREGISTERED in one["scopes"]]
    for kind, those in ((PROGRAMS, [one for one in tokens if one not in told]), (UNREGISTERED_TOO, told)):
        if those:
            yield kind.found(tokens=", ".join(map(_named, those)))


def _named(token: Token) -> str:
    return f"{token['name']} ({token['number']})"
