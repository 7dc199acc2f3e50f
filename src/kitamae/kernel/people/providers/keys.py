"""A contract's keys: the house's tokens, each for one purpose, shown once, cut down to the contract at every request."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.approval import plain
from kitamae.kernel.people.providers import force
from kitamae.kernel.people.providers.ground import demand_strong
from kitamae.kernel.people.providers.named import entered
from kitamae.kernel.people.providers.records import CONTRACT, KEY, Key
from kitamae.kernel.people.records import REVOKED, TENANT, Token
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.store import Kept, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers.ground import Ground
    from kitamae.kernel.people.providers.records import Contract, Version

MOST: Final = 20
"""Keys of one contract that are good."""
OVERLAP: Final = 30
"""Days for which an old key works at most beside the new one."""
_DAY: Final = 86_400_000_000
_REF: Final = "token-"


class Keys:
    """On the ground of providers. Knows every key that there ever was, so that a receipt can say whose it is."""

    def __init__(self, ground: Ground) -> None:
        self._on = ground
        self._known: dict[str, Key] = {}
        ground.store.on_documents(self._others)

    async def open(self) -> None:
        """What was kept before."""
        self._known = {id: cast("Key", doc) for _, id, doc in await self._on.store.documents(TENANT, KEY)}

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == KEY and one.doc is not None:
                self._known[one.id] = cast("Key", one.doc)

    def known(self, ref: str) -> Key | None:
        """By the reference that stands in receipts and as a subscription's maker (`token-…`); also one that is gone."""
        return self._known.get(ref.removeprefix(_REF)) if ref.startswith(_REF) else None

    def heard(self, key: Key) -> None:
        """It was written by this worker."""
        self._known[key["number"]] = key

    # --- by the provider
    async def make(
        self, who: Principal, contract: str, purpose: str, label: str, *, writes: bool = False
    ) -> tuple[str, Key]:
        """The secret, shown now and never again. `purpose` "": open data, with `writes` also writing what the contract allows.

        Raises NotFound, Forbidden, Conflict, BadRequest, HoldsMyNumber.
        """
        demand_strong(who)
        said = plain("label", label, 1, 80)
        made = secrecy.fresh("token")

        async def work(tx: Transaction) -> Key:
            kept, held = await self._held(tx, who, contract)
            if purpose and purpose not in held["purposes"]:
                raise BadRequest(
                    f"purpose: the contract is for {', '.join(held['purposes']) or 'open data alone'}"
                )
            if writes and (purpose or not held["writes"]):
                raise BadRequest("writes: this contract, or a key for this purpose, writes nothing")
            if sum(self.good(one) for one in self._of(contract)) >= MOST:
                raise BadRequest(f"a contract has at most {MOST} keys that are good")
            return await self._mint(tx, who, made, kept, held, purpose, said, writes=writes)

        return made, self._learn(await self._on.store.transact(work))

    async def rotate(self, who: Principal, number: str, days: int) -> tuple[str, Key]:
        """A new key in the place of an old one, which works for `days` more (0: not at all). Raises as `make`."""
        demand_strong(who)
        if not 0 <= days <= OVERLAP:
            raise BadRequest(f"days: expected 0 to {OVERLAP}")
        made = secrecy.fresh("token")

        async def work(tx: Transaction) -> tuple[Key, Key]:
            old = await self._one(tx, number)
            kept, held = await self._held(tx, who, old["contract"])
            if not self.good(old) or "next" in old:
                raise Conflict("this key does not work any more, or was rotated already")
            if old["purpose"] and old["purpose"] not in held["purposes"]:
                raise Conflict("the contract is not for this purpose any more")
            fresh = await self._mint(
                tx,
                who,
                made,
                kept,
                held,
                old["purpose"],
                old["label"],
                writes=old["writes"] and bool(held["writes"]),
            )
            until = clock.text(min(clock.micros(old["until"]), self._on.now() + days * _DAY))
            return fresh, await self._shorten(tx, {**old, "next": fresh["number"], "until": until})

        fresh, old = await self._on.store.transact(work)
        self._learn(old)
        return made, self._learn(fresh)

    async def revoke(self, who: Principal, number: str, *, desk: bool = False) -> Key:
        """By the provider, or (`desk`) by the city: from the next request on. Raises NotFound, Forbidden."""

        async def work(tx: Transaction) -> Key:
            key = await self._one(tx, number)
            if desk:
                await self._on.desk(tx, who)
            else:
                demand_strong(who)
                await self._on.member(tx, who, key["provider"])
            if "revoked" in key:
                return key
            word = self._on.said(who)
            gone: Key = {**key, "revoked": word}
            await tx.put(TENANT, KEY, number, gone)
            await tx.drop(TENANT, "token", key["token"])
            await tx.put(TENANT, REVOKED, key["token"], {"at": word["at"]})
            await self._log(tx, gone, "revoked", who)
            return gone

        return self._learn(await self._on.store.transact(work))

    # --- looking
    async def of(self, contract: str) -> list[Key]:
        """Newest first, also those that work no more."""
        return list(reversed(self._of(contract)))

    def good(self, key: Key) -> bool:
        """Neither revoked nor at its end; whether its contract is in force is asked of that."""
        return "revoked" not in key and clock.micros(key["until"]) > self._on.now()

    # --- inner
    async def _held(self, tx: Transaction, who: Principal, contract: str) -> tuple[Contract, Version]:
        kept = await self._on.contract(tx, contract)
        owner = await self._on.member(tx, who, kept["provider"])
        held = None if "ended" in kept else force.version(kept, self._on.today)
        if held is None or owner["state"] != "accepted":
            raise Forbidden(
                "the contract is not in force today: there are keys from its first day to its last"
            )
        return kept, held

    async def _mint(
        self,
        tx: Transaction,
        who: Principal,
        made: str,
        contract: Contract,
        held: Version,
        purpose: str,
        label: str,
        *,
        writes: bool,
    ) -> Key:
        on, digest = self._on, secrecy.digest(made)
        owner = await on.provider(tx, contract["provider"])
        ends = force.begins(date.fromisoformat(held["ends"]) + timedelta(1), on.zone)
        scopes = {f"read:person:{purpose}"} if purpose else on.terms.open(held, writes=writes)
        token: Token = {
            "number": secrets.token_hex(4), "name": f"{owner['name']} {label}"[:100], "role": "service",
            "scopes": sorted(scopes), "tenants": [on.tenant], "asked": [purpose or "open data"], "contract": contract["id"],
            "createdAt": clock.text(on.now()), "expiresAt": clock.text(ends),
        }  # fmt: skip
        key: Key = {
            "number": token["number"], "token": digest, "contract": contract["id"], "provider": contract["provider"],
            "purpose": purpose, "label": label, "writes": writes, "made": on.said(who), "until": clock.text(ends),
        }  # fmt: skip
        await tx.put(TENANT, "token", digest, token)
        await tx.put(TENANT, KEY, key["number"], key)
        await self._log(tx, key, "made", who)
        return key

    async def _shorten(self, tx: Transaction, key: Key) -> Key:
        token = cast("Token | None", await tx.get(TENANT, "token", key["token"]))
        if token is not None:
            shorter: Token = {**token, "expiresAt": key["until"]}
            await tx.put(TENANT, "token", key["token"], shorter)
        await tx.put(TENANT, KEY, key["number"], key)
        return key

    async def _log(self, tx: Transaction, key: Key, what: str, who: Principal) -> None:
        told = {"key": key["number"], "contract": key["contract"], "what": what, "by": who.ref}
        contract = await self._on.contract(tx, key["contract"])
        leaf = await entered(tx, {**told, "purpose": key["purpose"], "at": clock.text(self._on.now())})
        await tx.put(TENANT, CONTRACT, contract["id"], {**contract, "ledger": [*contract["ledger"], leaf]})

    async def _one(self, tx: Transaction, number: str) -> Key:
        key = cast("Key | None", await tx.get(TENANT, KEY, number))
        if key is None:
            raise NotFound(f"there is no key {number!r:.40}")
        return key

    def _of(self, contract: str) -> list[Key]:
        """As remembered: a key of another worker is heard of before this one's next write is decided."""
        return [one for one in self._known.values() if one["contract"] == contract]

    def _learn(self, key: Key) -> Key:
        """After the commit: what was remembered of its secret is not what it was."""
        self._known[key["number"]] = key
        self._on.people.forget([_REF + key["number"]])
        return key
