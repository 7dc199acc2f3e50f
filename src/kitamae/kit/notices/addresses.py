"""The address at which a person wants to be told: given by himself, made sure with a letter, taken back when he likes.

He agrees to it (the purpose `contact`), so withdrawing that is enough for nobody to write to it any more. Giving it, changing it and
making it sure are entries of the ledger, whose salts lie with the record; that it is used leaves a receipt each time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import secret
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.platform_purposes import CONTACT
from kitamae.kernel.people.post import Letter, NotKept, PostFailed, address
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.people.visitors import AGAIN_SECONDS
from kitamae.kernel.people.visitors import reference as visitor
from kitamae.kernel.problems import BadRequest, Conflict, NotFound, TooManyRequests
from kitamae.kit.notices.mail import RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.consent import Consents
    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.post import Post
    from kitamae.kernel.people.pseudonyms import Pseudonyms
    from kitamae.kernel.people.throttle import Throttle
    from kitamae.kernel.people.vault import Vault

MINUTES: Final = 60
"""So long the code in the letter works."""
TRIES: Final = 5
"""Wrong codes, before a new letter is needed."""


class WrongCode(BadRequest):
    """Not the code of the letter, or too late."""

    type = "https://kitamae.example/problems/wrong-code"
    title = "That is not the code of the letter"


@dataclass(frozen=True, slots=True)
class Kept:
    """`email`: made sure, "" for none; `asked`: a letter was sent to it, and nobody has read it yet. `agreed`: whether the person still
    agrees; `id`: of the record.
    """

    id: str = ""
    email: str = ""
    asked: str = ""
    language: str = ""
    agreed: bool = False
    fields: Mapping[str, Any] | None = None


class Addresses:
    """`vault()` raises VaultClosed; `post` None: the city sends no e-mail. `throttle` counts letters by who asked for them."""

    def __init__(
        self,
        vault: Callable[[], Vault],
        consents: Consents,
        pseudonyms: Pseudonyms,
        once: Once,
        post: Post | None,
        throttle: Throttle,
        *,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._vault, self._consents, self._pseudonyms = vault, consents, pseudonyms
        self._once, self._post, self._throttle, self._now = once, post, throttle, now

    @property
    def possible(self) -> bool:
        """Whether the city sends e-mail."""
        return self._post is not None

    async def of(self, who: Principal) -> Kept:
        """One's own."""
        found = await self._vault().read(Asked(who, OWN, (who.ref,), (RECORD,)))
        own = [one for one in found if one.klass == CONTACT.name]
        agreed = self._consents.agreed(who.ref, CONTACT.name)
        if not own:
            return Kept(agreed=agreed)
        last = max(own, key=lambda one: one.modified)
        told = last.fields
        waits = bool(told.get("asked")) and clock.micros(str(told["until"])) > self._now()
        return Kept(
            last.id, str(told.get("email", "")), str(told["asked"]) if waits else "",
            str(told.get("language", "ja")), agreed, told,
        )  # fmt: skip

    async def ask(
        self,
        who: Principal,
        typed: str,
        language: str,
        agreed: tuple[str, str],
        letter: Callable[[str], tuple[str, str]],
    ) -> bool:
        """Whoever is signed in agrees to the words of `agreed` (language, version) and gives an address; whether it is sure already, as a
        visitor's is by which he signs in. Else a letter goes there, which `letter` writes from its code.

        Raises BadRequest, NotFound where the city sends no e-mail, Changed, TooManyRequests, HoldsMyNumber, PostFailed.
        """
        if self._post is None:
            raise NotFound("this city sends no e-mail")
        to = address(typed)
        self._throttle.demand(who.ref)
        before = await self.of(who)
        await self._consents.agree(who, CONTACT.name, *agreed)
        if await visitor(self._pseudonyms, to) == who.ref:
            await self._keep(who, before, {"email": to, "language": language}, "confirmed")
            return True
        if not await self._once.spend(f"letter to {who.ref} at {to}", AGAIN_SECONDS):
            raise TooManyRequests(
                "a letter is on its way to that address already: wait a minute", retryAfter=AGAIN_SECONDS
            )
        self._throttle.wrong(who.ref)
        code = secret.spoken(8)
        until = clock.text(self._now() + MINUTES * 60_000_000)
        fields = {"asked": to, "code": code, "until": until, "tries": 0, "language": language}
        if before.email:
            fields["email"] = before.email  # until the new one is sure
        await self._keep(who, before, fields, "asked")
        try:
            await self._post.send(Letter(to, *letter(code), seconds=MINUTES * 60))
        except NotKept:  # nothing is on its way: nobody is told so
            raise
        except PostFailed:  # it is kept, and tried again
            return False
        return False

    async def confirm(self, who: Principal, typed: str) -> None:
        """The code of the letter: from now on that is the address. Raises WrongCode."""
        before = await self.of(who)
        told = before.fields or {}
        code = "".join(typed.split()).replace("-", "").upper()
        if not before.asked or int(str(told["tries"])) >= TRIES:
            raise WrongCode("there is no code that works: ask for a new letter")
        if not secrets.compare_digest(code.encode(), str(told["code"]).encode()):
            again = {**told, "tries": int(str(told["tries"])) + 1}
            await self._vault().keep(SYSTEM, who.ref, CONTACT.name, RECORD, again, id=before.id)
            raise WrongCode("that is not the code of the letter")
        await self._keep(who, before, {"email": before.asked, "language": before.language}, "confirmed")

    async def speak(self, who: Principal, language: str) -> None:
        """In that language from now on. Raises Conflict where there is no address."""
        before = await self.of(who)
        if not before.email:
            raise Conflict("there is no address yet to write to")
        told = before.fields or {}
        waiting = {name: told[name] for name in ("asked", "code", "until", "tries") if before.asked}
        await self._keep(who, before, {**waiting, "email": before.email, "language": language}, "language")

    async def remove(self, who: Principal) -> None:
        """He agrees no more, and what was kept is erased."""
        await self._consents.withdraw(who, CONTACT.name)
        try:
            await self._vault().erase(who, who.ref, (CONTACT.name,))
        except NotFound:
            return

    async def _keep(self, who: Principal, before: Kept, fields: dict[str, Any], event: str) -> None:
        """With an entry of the ledger that says which event it was, and of which address."""
        at = clock.text(self._now())
        to = fields.get("asked") or fields["email"]
        told = {"address": to, "at": at, "event": event, "language": fields["language"], "person": who.ref}

        async def along(tx: Transaction) -> Mapping[str, object]:
            number, salt = await commitment.log(tx, told)
            return {"number": number, "salt": salt}

        more = {"event": event, "at": at}
        await self._vault().keep(
            SYSTEM, who.ref, CONTACT.name, RECORD, {**fields, **more}, id=before.id, along=along
        )


def opened(person: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the leaf of the last event commits to, from the record."""
    to = fields.get("asked") or fields["email"]
    return {
        "address": to, "at": fields["at"], "event": fields["event"], "language": fields["language"],
        "person": person,
    }  # fmt: skip
