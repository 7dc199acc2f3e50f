"""Which entities a sensor may write: those that an installed entry of the public sensor register observes.

Kept in memory, because the policy is asked at every reading; brought up to date before the answer to whoever changed the register, and
by what other workers say before this worker's next write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Change, Kept
    from kitamae.kernel.registers.register import Register

INSTALLED: Final = "installed"


class Installed:
    """`register` of sensors; `expand` makes short names IRIs; `changed` is called when another answer is right from now on."""

    def __init__(self, register: Register, expand: Callable[[str], str], changed: Callable[[], None]) -> None:
        self._register = register
        self._state, self._observes = expand("state"), expand("observes")
        self._prefix = register.urn("")
        self._changed = changed
        self._entries: dict[str, tuple[str, frozenset[str]]] = {}
        self._may: frozenset[str] = frozenset()
        register.store.on_documents(self._others)
        register.store.on_commit(self._heard)

    async def open(self) -> None:
        """What the register says at the start."""
        for entry in await self._register.entries():
            self._entries[entry["id"]] = entry["state"], _observed(entry["said"])
        self._tell()

    def __call__(self, thing: str) -> bool:
        """May a sensor write the entity with this id?"""
        return thing in self._may

    def observed(self, sensor: str) -> frozenset[str]:
        """The ids that this entry lets its sensor write; none where it is not installed."""
        state, observes = self._entries.get(sensor, ("", frozenset()))
        return observes if state == INSTALLED else frozenset()

    def _tell(self) -> None:
        installed = (observes for state, observes in self._entries.values() if state == INSTALLED)
        self._may = frozenset().union(*installed)
        self._changed()

    async def _others(self, kept: Sequence[Kept]) -> None:
        told = [one for one in kept if one.kind == self._register.kind]
        for one in told:
            if one.doc is None:
                self._entries.pop(one.id, None)
            else:
                self._entries[one.id] = one.doc["state"], _observed(one.doc["said"])
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
            state, observes = self._entries.get(id, ("", frozenset()))
            for touched in one.touched:
                value = touched.after["v"] if touched.after else None
                if touched.name == self._state:
                    state = str(value or "")
                elif touched.name == self._observes:
                    observes = frozenset(value or ())
            self._entries[id] = state, observes
        if told:
            self._tell()


def _observed(said: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(said.get("observes", ()))
