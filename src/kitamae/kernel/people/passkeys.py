"""Passkeys (W3C WebAuthn, level 3): a device signs for one site alone, so there is nothing to tell, to guess or to forward.

`passkey`  by its own id (base64url): {person, key, count, name, createdAt, usedAt}    `key` is the public one (COSE)
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kitamae.kernel.context import clock
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.jose.encoding import LONGEST, BadToken, decode, encode, members
from kitamae.kernel.people.records import PASSKEY, REVOKED, TENANT
from kitamae.kernel.problems import BadRequest, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.seal import Seal

MOST: Final = 10
"""Passkeys of one person."""
MINUTES: Final = 5
_SECONDS: Final = MINUTES * 60
_REGISTER: Final = "registering a passkey"
_SIGN_IN: Final = "signing in with a passkey"
_LONGEST_NAME: Final = 50


class PasskeyRefused(Problem):
    """It was not accepted. Nothing was kept, and nobody is signed in."""

    type = "https://kitamae.example/problems/passkey-refused"
    status = 403
    title = "The passkey was not accepted"


class Passkey(TypedDict):
    """One of a person. `name` is the person's own word for the device; times are RFC 3339 UTC."""

    person: str
    key: str
    count: int
    name: str
    createdAt: str
    usedAt: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser needs to ask its device: the options (JSON), and a sealed note that comes back with the answer."""

    options: str
    note: str


class Passkeys:
    """`address` is how people reach this server: a passkey works there and nowhere else."""

    def __init__(
        self, address: str, store: Store, seal: Seal, once: Once, now: Callable[[], int] = clock.now
    ) -> None:
        parts = urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._site = parts.hostname or ""
        self._store = store
        self._seal = seal
        self._once = once
        self._now = now
        self.possible = _possible(parts.scheme, self._site)

    # --- registering
    async def offer(self, person: str, city: str) -> Offer:
        """For a person who is signed in; `city` is shown by the device beside the passkey."""
        challenge = secrets.token_bytes(32)
        known = [PublicKeyCredentialDescriptor(id=decode(id)) for id, _ in await self.of(person)]
        options = generate_registration_options(
            rp_id=self._site,
            rp_name=city,
            user_id=person.encode(),
            user_name=person,
            challenge=challenge,
            exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        said = {"challenge": encode(challenge), "person": person}
        return Offer(options_to_json(options), self._seal.write(_REGISTER, said, _SECONDS))

    async def register(self, person: str, note: str, answer: str, name: str) -> None:
        """Keep what the device made. Raises PasskeyRefused, BadRequest, HoldsMyNumber."""
        if not 0 < len(name.strip()) <= _LONGEST_NAME or not name.isprintable():
            raise BadRequest(f"a passkey needs a name of at most {_LONGEST_NAME} characters")
        mynumber.demand_none({"パスキーの名前": name})
        said = self._said(_REGISTER, note)
        if said["person"] != person:
            raise PasskeyRefused("it was offered to somebody else")
        try:
            made = verify_registration_response(
                credential=_credential(answer),
                expected_challenge=decode(said["challenge"]),
                expected_rp_id=self._site,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
            raise PasskeyRefused(type(wrong).__name__) from wrong
        await self._spend(_REGISTER, said)
        if len(await self.of(person)) >= MOST:
            raise BadRequest(f"a person has at most {MOST} passkeys: remove one first")
        id = encode(made.credential_id)
        kept: Passkey = {
            "person": person,
            "key": encode(made.credential_public_key),
            "count": made.sign_count,
            "name": name.strip(),
            "createdAt": clock.text(self._now()),
            "usedAt": None,
        }

        async def add(transaction: Transaction) -> bool:
            if await transaction.get(TENANT, PASSKEY, id) is not None:
                return False
            await transaction.put(TENANT, PASSKEY, id, kept)
            return True

        if not await self._store.transact(add):
            raise PasskeyRefused("this passkey is registered already")

    # --- signing in
    def challenge(self) -> Offer:
        """For whoever comes: the device knows for whom it has a passkey here."""
        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=self._site, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        note = self._seal.write(_SIGN_IN, {"challenge": encode(challenge)}, _SECONDS)
        return Offer(options_to_json(options), note)

    async def prove(self, note: str, answer: str) -> str:
        """The person whose device signed. Raises PasskeyRefused."""
        said = self._said(_SIGN_IN, note)
        credential = _credential(answer)
        id = credential.get("id")
        kept = (
            cast("Passkey | None", await self._store.get(TENANT, PASSKEY, id))
            if isinstance(id, str)
            else None
        )
        if kept is None:
            raise PasskeyRefused("this passkey is not registered here any more")
        try:
            proved = verify_authentication_response(
                credential=credential,
                expected_challenge=decode(said["challenge"]),
                expected_rp_id=self._site,
                expected_origin=self.origin,
                credential_public_key=decode(kept["key"]),
                credential_current_sign_count=kept["count"],
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
            raise PasskeyRefused(type(wrong).__name__) from wrong
        await self._spend(_SIGN_IN, said)
        used = {"count": proved.new_sign_count, "usedAt": clock.text(self._now())}

        async def note_use(transaction: Transaction) -> bool:
            found: Any = await transaction.get(TENANT, PASSKEY, cast("str", id))
            if found is None:
                return False
            await transaction.put(TENANT, PASSKEY, cast("str", id), {**found, **used})
            return True

        if not await self._store.transact(note_use):
            raise PasskeyRefused("this passkey is not registered here any more")
        return kept["person"]

    # --- keeping
    async def of(self, person: str) -> list[tuple[str, Passkey]]:
        """A person's passkeys by their ids, oldest first."""
        kept = await self._store.documents(TENANT, PASSKEY)
        return [(id, cast("Passkey", doc)) for _, id, doc in kept if doc["person"] == person]

    async def remove(self, person: str, *ids: str) -> int:
        """Those of the person's own that are named, all of them when none is; how many. No restore brings them back."""
        gone = [id for id, _ in await self.of(person) if not ids or id in ids]
        at = clock.text(self._now())

        async def drop(transaction: Transaction) -> None:
            for id in gone:
                await transaction.drop(TENANT, PASSKEY, id)
                await transaction.put(TENANT, REVOKED, id, {"at": at})

        await self._store.transact(drop)
        return len(gone)

    def _said(self, purpose: str, note: str) -> dict[str, str]:
        try:
            said: dict[str, str] = self._seal.read(purpose, note)
        except BadToken:
            raise PasskeyRefused(f"more than {MINUTES} minutes went by: load the page again") from None
        return said

    async def _spend(self, purpose: str, said: dict[str, str]) -> None:
        """Only for an answer that holds: whoever thinks one up costs the city no transaction."""
        if not await self._once.spend(f"{purpose} {said['challenge']}", _SECONDS):
            raise PasskeyRefused("it was used already: load the page again")


def _credential(answer: str) -> dict[str, Any]:
    """Raises PasskeyRefused."""
    if len(answer) > LONGEST:
        raise PasskeyRefused("the device's answer is too long")
    try:
        return members(answer.encode("utf-8", "replace"))
    except BadToken as wrong:
        raise PasskeyRefused("the device's answer cannot be read") from wrong


def _possible(scheme: str, host: str) -> bool:
    """Browsers have passkeys for names over TLS, and for `localhost`."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or (scheme == "https" and "." in host)
    return False
