"""One register on one store: entry, NGSI-LD entity and statement in the ledger are written in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations import Command, Delete, Upsert
from kitamae.kernel.ledger import statements
from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import NotFound, TooLarge
from kitamae.kernel.registers import entry as entries
from kitamae.kernel.registers.entry import Changed, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.entity import Attribute, Attributes
    from kitamae.kernel.context.entity import Entity as Described
    from kitamae.kernel.context.store import Store, Transaction

TENANT: Final = ""
"""Registers are the city's, not one of its data tenants'."""

PROGRAM: Final = "kitamae"
"""Who did it, where it was the program by what it was given, and nobody of the town hall."""

MOST_BYTES: Final = 100_000
_MOST_CHANGES: Final = 1_000
_PLACE: Final = frozenset({"longitude", "latitude"})
"""Of these the entity says its `location`."""


class Register:
    """`name` as its statements in the ledger say it (`sensors`); `type` of its entities, a short name.

    `expand` makes short names IRIs as the city's @context does. `publish` False: neither entities nor statements are written (a broker
    that serves no city says nothing that nobody wrote into it).
    """

    def __init__(
        self,
        store: Store,
        name: str,
        type: str,
        expand: Callable[[str], str],
        *,
        tenant: str = "",
        publish: bool = True,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.store = store
        self.name = name
        self.kind = f"register-{name}"
        self.type = type
        self.now = now
        self._expand = expand
        self._tenant = tenant
        self._publish = publish

    async def entries(self) -> list[Entry]:
        """All, in the order in which they came."""
        return [cast("Entry", doc) for _, _, doc in await self.store.documents(TENANT, self.kind)]

    async def find(self, id: str) -> Entry | None:
        """One, None where there is none."""
        return cast("Entry | None", await self.store.get(TENANT, self.kind, id))

    async def entry(self, id: str) -> Entry:
        """Raises NotFound."""
        found = await self.find(id)
        if found is None:
            raise NotFound(f"the register {self.name} has no entry {id!r:.80}")
        return found

    async def current(self, tx: Transaction, id: str) -> Entry | None:
        """As this transaction sees it."""
        return cast("Entry | None", await tx.get(TENANT, self.kind, id))

    async def write(
        self,
        tx: Transaction,
        id: str,
        state: str,
        said: Mapping[str, Any],
        what: str,
        by: str,
        *,
        who: str = "",
        about: Attributes | None = None,
        hidden: bool = False,
    ) -> Entry:
        """The entry says this from now on. What it says already makes no change, so that a repeated load writes nothing.

        `what`: in a word what was done; `by`: the desk that did it; `who`: its member of staff; `about`: further attributes of its
        entity. `hidden`: nothing of it is public yet: no entity. Raises TooLarge, HoldsMyNumber, BadRequest.
        """
        before = await self.current(tx, id)
        digest = entries.digest(entries.demand_id(id), state, said)
        if before is not None and before["changes"][-1]["sha256"] == digest:
            return before
        mynumber.demand_none(dict(said))
        stamp = clock.text(self.now())
        told = {"id": id, "change": what, "state": state, "sha256": digest}
        [leaf] = statements.entries({"register": self.name, "statement": told}, by, self.now, own=True)
        changed: Changed = {
            "at": stamp,
            "by": by,
            "what": what,
            "number": await tx.log(leaf) if self._publish else 0,
            "sha256": digest,
        }
        if who:
            changed["who"] = who
        earlier = before["changes"][-_MOST_CHANGES:] if before else []
        made: Entry = {"id": id, "state": state, "said": dict(said), "changes": [*earlier, changed]}
        if len(str(said)) > MOST_BYTES:
            raise TooLarge(f"an entry of a register is shorter than {MOST_BYTES:,} letters")
        await tx.put(TENANT, self.kind, id, made)
        if self._publish:
            await self._describe(tx, made, about or {}, hidden=hidden)
        return made

    def urn(self, id: str) -> str:
        """The id of its entity."""
        return f"urn:ngsi-ld:{self.type}:{id}"

    async def _describe(self, tx: Transaction, made: Entry, about: Attributes, *, hidden: bool) -> None:
        """Its entity says what the entry says; nobody else may write it."""
        if hidden:
            if await tx.entity(self._tenant, self.urn(made["id"])) is not None:
                await tx.apply(Command(self._tenant, self.urn(made["id"]), Delete(), PROGRAM))
            return
        attrs: Attributes = {
            self._expand(name): [_attribute(value)]
            for name, value in {"state": made["state"], **made["said"]}.items()
            if value not in (None, "", [], {}) and name not in _PLACE
        }
        attrs |= about
        entity: Described = {
            "id": self.urn(made["id"]),
            "type": [self._expand(self.type)],
            "attrs": attrs,
        }
        await tx.apply(Command(self._tenant, entity["id"], Upsert(entity), PROGRAM))


async def count(tx: Transaction, kind: str, id: str) -> int:
    """One more of what the document counts: 1 for the first."""
    number = int(cast("Any", await tx.get(TENANT, kind, id)) or 0) + 1
    await tx.put(TENANT, kind, id, number)
    return number


def _attribute(value: Any) -> Attribute:
    """What is said in several languages is a LanguageProperty, all else a Property."""
    if isinstance(value, dict) and isinstance(value.get("ja"), str):
        return {"kind": "LanguageProperty", "v": {tag.replace("_", "-"): text for tag, text in value.items()}}
    return {"kind": "Property", "v": value}
