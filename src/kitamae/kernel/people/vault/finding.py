"""Whose record says that: through the blind indexes (`index.py`), without a name in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.people.policy import ANYBODY
from kitamae.kernel.people.vault import index
from kitamae.kernel.people.vault.keyring import CITY
from kitamae.kernel.people.vault.reading import MOST_PERSONS, Asked
from kitamae.kernel.problems import Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.people.vault.inner import Inner
    from kitamae.kernel.people.vault.reading import Reading, Record


class Finding:
    """On the inner parts, and on the way to a plaintext."""

    def __init__(self, inner: Inner, reading: Reading) -> None:
        self._inner = inner
        self._reading = reading

    async def persons(self, asked: Asked, said: Mapping[str, str]) -> tuple[str, ...]:
        """The references of those of whom one record says all of this; nothing is opened. Whoever asks goes on to read, which leaves
        the receipt: or nobody hears of more than that somebody is here.

        `asked.persons` is not looked at. A purpose that covers no field (one for which logs are read) finds by all of them. Raises as
        `read`.
        """
        probe = Asked(asked.who, asked.purpose, (ANYBODY,), asked.kinds, asked.fields, asked.tenant)
        allowed = self._reading.allowed(probe)
        if allowed.fields and (beyond := sorted(said.keys() - allowed.fields)):
            raise Forbidden(f"the purpose {asked.purpose} does not cover the field {beyond[0]!r:.60}")
        found = await self._tagged(asked.tenant, said)
        agrees = self._inner.policy.facts.agrees
        return tuple(
            dict.fromkeys(person for person, _ in found if agrees(person, asked.purpose))
        )  # of the others nobody hears

    async def find(self, asked: Asked, said: Mapping[str, str]) -> list[Record]:
        """Their records, read with a receipt for each of them. Raises as `read`."""
        if not (persons := await self.persons(asked, said)):
            return []
        records = await self._reading.read(
            Asked(asked.who, asked.purpose, persons, asked.kinds, asked.fields, asked.tenant, "", asked.most)
        )
        wanted = {field: index.normal(text) for field, text in said.items()}
        hits = {
            one.person
            for one in records
            if all(index.normal(str(one.fields.get(field, ""))) == text for field, text in wanted.items())
        }
        return [one for one in records if one.person in hits]

    async def _tagged(self, tenant: str, said: Mapping[str, str]) -> dict[tuple[str, str], None]:
        """(person, record), in the order of the first field's index."""
        keys = await self._inner.keys.of(CITY)
        found: dict[tuple[str, str], None] | None = None
        for field, text in said.items():
            klass = f"index:{field}"
            if klass not in keys.current or not index.normal(text):
                return {}
            made = index.tag(keys.newest(klass)[1], tenant, field, text)
            tags = await self._inner.keys.store.tagged(tenant, field, made, MOST_PERSONS)
            here = dict.fromkeys((one.person, one.record) for one in tags)
            found = here if found is None else {one: None for one in found if one in here}
        return found or {}
