"""How many requests a contract may send: so many in a minute, so many in a day of the city. Told with the fields of the IETF draft
`draft-ietf-httpapi-ratelimit-headers` (RateLimit-Policy, RateLimit), and with its problem type where it was too many.

Both are counted by all workers of a city together: the minute exactly, in parts (`minute.py`), the day as far as each has heard of the others
(`meter.py`: some seconds behind).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.providers.minute import Minute
from kitamae.kernel.people.providers.records import Counts, add, nothing
from kitamae.kernel.problems import TooManyRequests

if TYPE_CHECKING:
    from kitamae.kernel.people.person import Metered

SECOND: Final = 1_000_000


class OverQuota(TooManyRequests):
    """A provider's key asked for more than its contract allows."""

    type = "https://iana.org/assignments/http-problem-types#quota-exceeded"
    title = "More requests than the contract allows"


@dataclass(slots=True)
class Window:
    """One contract, in this process. Moments in microseconds UTC. `known`: of the day, by key, as the store has it, this worker's and all
    others'; `pending`: by key, not put down yet; `putting`: being put down now. `used`: reads and writes of the day in all of these.
    """

    day: str
    day_ends: int
    known: dict[str, Counts] = field(default_factory=dict)
    pending: dict[str, Counts] = field(default_factory=dict)
    putting: dict[str, Counts] = field(default_factory=dict)
    used: int = 0
    minute: Minute = field(default_factory=Minute)

    def of(self, key: str) -> Counts:
        """What is counted for that key at this moment; it is somewhere else once it was put down, so nobody keeps it."""
        counts = self.pending.get(key)
        if counts is None:
            counts = self.pending[key] = nothing()
        return counts

    def ready(self, held: Metered, now: int) -> bool:
        """Whether it is known here if one request more may pass; else a part of the minute is taken first."""
        return self.used >= held.day or self.minute.ready(now)

    def take(self, held: Metered, now: int, *, write: bool) -> None:
        """One request more, once it is `ready`. Raises OverQuota, before anything was done."""
        counts = self.of(held.key)
        if self.used >= held.day or not self.minute.allows():
            counts["refused"] += 1
            raise self._over(held, now)
        self.minute.used += 1
        self.used += 1
        counts["write" if write else "read"] += 1

    def count(self) -> None:
        """`used` anew."""
        all = (*self.known.values(), *self.pending.values(), *self.putting.values())
        self.used = sum(one["read"] + one["write"] for one in all)

    def begin(self) -> dict[str, Counts]:
        """What is pending is about to be put down."""
        self.putting, self.pending = self.pending, {}
        return self.putting

    def failed(self) -> None:
        """It was not: it is pending again."""
        for key, counts in self.putting.items():
            self.pending[key] = add(self.of(key), counts)
        self.putting = {}

    def fields(self, held: Metered, now: int) -> list[tuple[bytes, bytes]]:
        """RateLimit-Policy and RateLimit, for every answer to a key."""
        policy = f'"minute";q={held.minute};w=60, "day";q={held.day};w=86400'
        minute = f'"minute";r={self.minute.left(held.minute)};t={seconds(self.minute.ends - now)}'
        day = f'"day";r={max(0, held.day - self.used)};t={seconds(self.day_ends - now)}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", f"{minute}, {day}".encode())]

    def _over(self, held: Metered, now: int) -> OverQuota:
        whole_day = self.used >= held.day
        name, most = ("day", held.day) if whole_day else ("minute", held.minute)
        again = seconds((self.day_ends if whole_day else self.minute.ends) - now)
        return OverQuota(
            f"the contract of this key allows {most:,} requests a {name}; try again in {again} seconds",
            retryAfter=again,
            **{"violated-policies": [name]},
        )


def seconds(micros: int) -> int:
    """Whole ones, and never too few."""
    return max(1, -(-micros // SECOND))
