"""Visitors and e-residents: somebody who reads the mail of an address. Who it is, nobody checked, and every page says so.

The address itself is not kept: it becomes a keyed pseudonym, and the letter with the link lies sealed in the outbox until the mail
server has taken it (`outbox.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.post import Letter, address

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.post import Post
    from kitamae.kernel.people.pseudonyms import Pseudonyms
    from kitamae.kernel.people.throttle import Throttle

AGAIN_SECONDS: Final = 60
"""Between two letters to one address."""


async def reference(pseudonyms: Pseudonyms, to: str) -> str:
    """Of whoever reads the mail of that address (as `address` gives it back)."""
    return "visitor-" + (await pseudonyms.of("visitor", to))[:32]


class Visitors:
    """`throttle` counts letters by the address of the network that asked for them, so that nobody floods other people's mail."""

    def __init__(
        self,
        people: People,
        pseudonyms: Pseudonyms,
        once: Once,
        post: Post,
        throttle: Throttle,
        link_seconds: int,
    ) -> None:
        """`link_seconds`: how long a link works, and so how long its letter is tried."""
        self._people = people
        self._pseudonyms = pseudonyms
        self._once = once
        self._post = post
        self._throttle = throttle
        self._link_seconds = link_seconds

    async def invite(self, typed: str, network: str, letter: Callable[[str], tuple[str, str]]) -> None:
        """Send a sign-in link; `letter` makes subject and text from its secret. Nothing tells whether the address was here before.

        Raises BadRequest, TooManyRequests, PostFailed.
        """
        to = address(typed)
        self._throttle.demand(network)
        self._throttle.wrong(network)
        ref = await reference(self._pseudonyms, to)
        if not await self._once.spend(f"letter to {ref}", AGAIN_SECONDS):
            return
        await self._people.welcome(ref, unopened=True)
        subject, text = letter(await self._people.invite(ref))
        await self._post.send(Letter(to, subject, text, self._link_seconds))
