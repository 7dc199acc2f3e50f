"""How persons come in, and go on to partners, wired together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kitamae.adapters import mail
from kitamae.directory import sandbox
from kitamae.kernel.context import clock
from kitamae.kernel.people.delegates import Delegates
from kitamae.kernel.people.duties import Emergencies, Office
from kitamae.kernel.people.duties.numbers import Numbers
from kitamae.kernel.people.jose.encoding import BadToken, members
from kitamae.kernel.people.jose.keys import Key
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.outbox import Outbox
from kitamae.kernel.people.passkeys import Passkeys
from kitamae.kernel.people.provider.provider import Provider
from kitamae.kernel.people.pseudonyms import Pseudonyms
from kitamae.kernel.people.relying.flow import Client, Relying
from kitamae.kernel.people.relying.identity import Identity, declared
from kitamae.kernel.people.relying.issuer import Issuer
from kitamae.kernel.people.relying.outbound import Guarded
from kitamae.kernel.people.relying.stand_in import PATH, PREFIX, RESIDENTS, StandIn
from kitamae.kernel.people.seal import Seal
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.people.visitors import Visitors
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kitamae.directory.layout import Layout
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.post import Post
    from kitamae.kernel.people.relying.outbound import Outbound
    from kitamae.kernel.people.vault import Purposes
    from kitamae.settings import Settings

_LETTERS = 5
"""To visitors, in five minutes, for one network."""

RETURN = "/sign-in/resident/return"
"""Where the issuer sends browsers back to: `redirect_uri`, as it is registered there."""


@dataclass(frozen=True, slots=True)
class WaysIn:
    """`carrier` hands a letter over at once, `letters` keeps it until it is taken; None: the city sends no e-mail. `residents` None: this city has no デジタル認証アプリ. `stand_in` is there for demonstrations and in a `sandbox` alone."""

    seal: Seal
    pseudonyms: Pseudonyms
    provider: Provider
    passkeys: Passkeys
    office: Office
    emergencies: Emergencies
    numbers: Numbers
    delegates: Delegates
    identity: Identity | None = None
    carrier: Post | None = None
    letters: Outbox | None = None
    visitors: Visitors | None = None
    residents: Relying | None = None
    stand_in: StandIn | None = None
    outbound: Outbound | None = None
    sandbox: bool = False

    @classmethod
    async def open(
        cls,
        settings: Settings,
        layout: Layout,
        store: Store,
        people: People,
        destinations: Destinations,
        address: str,
        purposes: Purposes,
        now: Callable[[], int] = clock.now,
    ) -> Self:
        """`now`: the clock by which duties and mandates count. Raises BadRequest for a key that cannot be used."""
        seal = Seal(settings.seal or layout.seal)
        once, pseudonyms = Once(store), Pseudonyms(store, seal)
        delegates = Delegates(store, people, purposes, now)
        provider = Provider(address, store, seal, once, pseudonyms, destinations, people.left)
        await provider.logouts.open()
        people.owes = provider.logouts.waiting.look
        passkeys = Passkeys(address, store, seal, once)
        office = Office(store, people.plan, people.forget, people.colleagues, now)
        numbers = Numbers(store, pseudonyms, office)
        emergencies = Emergencies(store, people.plan, [one.name for one in purposes], people.forget)
        await emergencies.all()
        await people.colleagues.load()
        visitors = letters = carrier = None
        identity = Identity(store) if declared(purposes) else None
        if settings.mail:
            carrier = mail.post(settings.mail, settings.mail_from)
            letters = Outbox(store, seal, carrier)
            await letters.open()
            visitors = Visitors(
                people, pseudonyms, once, letters, Throttle(_LETTERS), settings.link_minutes * 60
            )
        always = (
            *(seal, pseudonyms, provider, passkeys, office, emergencies, numbers, delegates),
            *(identity, carrier, letters, visitors),
        )
        if settings.demo_residents:
            client = Client("standin", Key.make("demo"), address + RETURN)
            mark = sandbox.read(layout)
            cards = mark["residents"] if mark else RESIDENTS
            stand_in = StandIn(address, client, seal, once, residents=cards)
            issuer = Issuer(stand_in.issuer, stand_in)
            of_it = (issuer, stand_in, client, seal, once, pseudonyms, identity)
            relying = Relying(*of_it, prefix=PREFIX, known_as=PATH)
            return cls(*always, relying, stand_in, stand_in, sandbox=mark is not None)
        await people.end_sessions(PREFIX)
        if not settings.residents_issuer or settings.residents_key is None:
            return cls(*always)
        outbound = Guarded(settings.residents_issuer, destinations)
        client = Client(settings.residents_client, _key(settings.residents_key), address + RETURN)
        issuer = Issuer(settings.residents_issuer, outbound)
        relying = Relying(issuer, outbound, client, seal, once, pseudonyms, identity)
        return cls(*always, relying, None, outbound)

    async def close(self) -> None:
        """Close every connection."""
        await self.provider.logouts.close()
        if self.outbound is not None:
            await self.outbound.close()


def _key(file: Path) -> Key:
    """Raises BadRequest."""
    try:
        key = Key.read(members(file.read_bytes()))
    except OSError as wrong:
        raise BadRequest(f"KITAMAE_RESIDENTS_KEY: {file}: {wrong.strerror}") from None
    except BadToken as wrong:
        raise BadRequest(f"KITAMAE_RESIDENTS_KEY: {file}: {wrong.detail}") from None
    if not any(key.fits(alg, "sign") for alg in ("ES256", "PS256", "RS256")):
        raise BadRequest(
            f"KITAMAE_RESIDENTS_KEY: {file}: a private key (JWK) for ES256, PS256 or RS256 is expected"
        )
    return key
