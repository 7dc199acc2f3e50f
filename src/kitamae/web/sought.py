"""At a counter: whoever stands there is found by what his papers say, exactly. Nobody types a reference.

Name and day of birth; where two persons have both, the address too. What is found is read with a receipt that the person sees;
who finds nobody too often waits, so that names are not tried one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.people.mynumber import demand_none
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.people.vault import Asked
from kitamae.web.held import told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Vault

FIELDS: Final = ("name", "birth_date", "address")
IDENTITY: Final = "identity"
"""For what a counter reads who is who: 本人確認."""
_LONGEST: Final = 200

State = Literal["", "lacking", "nobody", "several", "found"]


@dataclass(frozen=True, slots=True)
class Sought:
    """`typed`: FIELDS as they were typed. `person` and `seen` (what a page shows of him) where `state` is `found`."""

    typed: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    state: State = ""
    person: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)


class Search:
    """One for each desk that searches. `vault()` raises VaultClosed. `opens`: the record is read and shown; False: the desk goes on to
    read something else of the person, with the receipt of that.
    """

    def __init__(self, vault: Callable[[], Vault], purpose: str = IDENTITY, *, opens: bool = True) -> None:
        self._vault = vault
        self._purpose = purpose
        self._opens = opens
        self._throttle = Throttle()

    async def find(self, who: Principal, sent: Mapping[str, Any], before: str = "") -> Sought:
        """What a form asks for; `before`: how the names of its fields begin. Raises Forbidden, TooManyRequests, HoldsMyNumber."""
        typed = {name: str(sent.get(before + name) or "").strip()[:_LONGEST] for name in FIELDS}
        demand_none(typed)
        if not (typed["name"] and typed["birth_date"]):
            return Sought(typed, "lacking")
        self._throttle.demand(who.ref)
        said = {name: text for name, text in typed.items() if text}
        found = await self._vault().persons(self._asked(who, "?"), said)
        if not found:
            self._throttle.wrong(who.ref)
            return Sought(typed, "nobody")
        if len(found) > 1:
            return Sought(typed, "several")
        return await self.again(who, found[0], typed)

    async def again(self, who: Principal, person: str, typed: Mapping[str, str] | None = None) -> Sought:
        """Who was found a moment ago, for a form that comes back. Raises Forbidden."""
        seen: dict[str, Any] = {}
        if self._opens:
            records = await self._vault().read(self._asked(who, person))
            known = next((told(one) for one in records if one.fields.get("name")), {})
            seen = {name: known[name] for name in FIELDS if name in known}
        return Sought(typed or dict.fromkeys(FIELDS, ""), "found", person, seen)

    def _asked(self, who: Principal, person: str) -> Asked:
        return Asked(who, self._purpose, (person,), fields=FIELDS if self._opens else ())
