"""Which entities a sensor may write: those that an installed entry of the public sensor register observes; and of which types they are.

Kept in memory, because the policy is asked at every reading; brought up to date before the answer to whoever changed the register, and
by what other workers say before this worker's next write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Change, Kept
    from kitamae.kernel.registers.register import Register

INSTALLED: Final = "installed"
REMOVED: Final = "removed"


class _Entry(NamedTuple):
    state: str = ""
    observes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


class Installed:
    """`register` of sensors; `expand` makes short names IRIs; `changed` is called when another answer is right from now on."""

    def __init__(self, register: Register, expand: Callable[[str], str], changed: Callable[[], None]) -> None:
        self._register = register
        self._state, self._observes, self._types = expand("state"), expand("observes"), expand("types")
        self._expand = expand
        self._prefix = register.urn("")
        self._changed = changed
        self._entries: dict[str, _Entry] = {}
        self._may: frozenset[str] = frozenset()
        self._sensed: frozenset[str] = frozenset()
        register.store.on_documents(self._others)
        register.store.on_commit(self._heard)

    async def open(self) -> None:
        """What the register says at the start."""
        for entry in await self._register.entries():
            self._entries[entry["id"]] = _entry(entry)
        self._tell()

    def __call__(self, thing: str) -> bool:
        """May a sensor write the entity with this id?"""
        return thing in self._may

    def observed(self, sensor: str) -> frozenset[str]:
        """The ids that this entry lets its sensor write; none where it is not installed."""
        entry = self._entries.get(sensor, _Entry())
        return entry.observes if entry.state == INSTALLED else frozenset()

    @property
    def sensed(self) -> frozenset[str]:
        """The types (expanded) that `senses` says yes to."""
        return self._sensed

    def senses(self, type_: str) -> bool:
        """Does the register name sensors of this type (expanded), whether they are installed now or not? Not by those that were removed."""
        return type_ in self._sensed

    def _tell(self) -> None:
        entries = self._entries.values()
        self._may = frozenset().union(*(one.observes for one in entries if one.state == INSTALLED))
        standing = (one.types for one in entries if one.state != REMOVED)
        self._sensed = frozenset(map(self._expand, frozenset().union(*standing)))
        self._changed()

    async def _others(self, kept: Sequence[Kept]) -> None:
        told = [one for one in kept if one.kind == self._register.kind]
        for one in told:
            if one.doc is None:
                self._entries.pop(one.id, None)
            else:
                self._entries[one.id] = _entry(one.doc)
        if told:
            self._tell()

    def _heard(self, changes: Sequence[Change]) -> None:
        """The register writes an entity for each entry, which nobody else may write: its changes say what is so."""
        told = [one for one in changes if one.entity.startswith(self._prefix)]
        for one in told:
            id = one.entity.removeprefix(self._prefix)
            if one.verb == "deleted":
                self._entries.pop(id, None)
                continue
            entry = self._entries.get(id, _Entry())
            for touched in one.touched:
                value = touched.after["v"] if touched.after else None
                if touched.name == self._state:
                    entry = entry._replace(state=str(value or ""))
                elif touched.name == self._observes:
                    entry = entry._replace(observes=frozenset(value or ()))
                elif touched.name == self._types:
                    entry = entry._replace(types=frozenset(value or ()))
            self._entries[id] = entry
        if told:
            self._tell()


def _entry(kept: Mapping[str, Any]) -> _Entry:
    said = kept["said"]
    return _Entry(kept["state"], frozenset(said.get("observes", ())), frozenset(said.get("types", ())))
