"""By e-mail, to whoever gave an address, made sure of it and still agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.person import EVERYWHERE, Principal
from kitamae.kernel.people.platform_purposes import CONTACT
from kitamae.kernel.people.post import Letter
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.problems import Forbidden
from kitamae.kit.notices.channel import Reached

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.people.post import Post
    from kitamae.kernel.people.vault import Vault
    from kitamae.kit.notices.channel import Told

RECORD: Final = "mail"
"""The kind of the vault's record of an address."""
READER: Final = Principal(
    "system", "service", frozenset({f"read:person:{CONTACT.name}"}), 1, tenants=frozenset({EVERYWHERE})
)
"""The city's own program, which reads addresses and nothing else: the machinery as such reads of nobody."""


class Mail:
    """A `Channel`. `vault()` raises VaultClosed."""

    name = "mail"

    def __init__(self, vault: Callable[[], Vault], post: Post) -> None:
        self._vault, self._post = vault, post

    async def reach(self, person: str) -> Reached | None:
        """See `Channel`."""
        asked = Asked(READER, CONTACT.name, (person,), (RECORD,), ("email", "language"))
        try:
            found = await self._vault().read(asked)
        except (
            Forbidden
        ):  # the person agrees no more, or the platform's papers do not hold: then nobody looks
            return None
        sure = [one for one in found if one.fields.get("email")]
        if not sure:
            return None
        last = max(sure, key=lambda one: one.modified)
        return Reached(str(last.fields["email"]), str(last.fields.get("language", "ja")))

    async def hand_over(self, to: Reached, told: Told) -> None:
        """See `Channel`."""
        await self._post.send(Letter(to.at, told.subject, told.text, id=told.letter))
