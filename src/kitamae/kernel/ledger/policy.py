"""Which logs and witnesses are known, and how many of these must have cosigned: C2SP tlog-policy.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <any|all|number> <witness or group>...
    quorum <witness or group>|none

A line a statement; `#` begins a comment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from kitamae.kernel.ledger.note import COSIGNATURE_V1, ED25519, Key
from kitamae.kernel.ledger.refusals import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

NONE: Final = "none"


class Known(NamedTuple):
    """A log or a witness, and where it is; "": not known."""

    key: Key
    url: str


class Group(NamedTuple):
    """So many of these."""

    needed: int
    members: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """`witnesses` and `groups` by the names that they have in this file."""

    logs: list[Known] = field(default_factory=list)
    witnesses: dict[str, Known] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises Malformed, naming the line."""
        policy = cls()
        ways: dict[str, Callable[[list[str]], None]] = {
            "log": policy._log,
            "witness": policy._witness,
            "group": policy._group,
            "quorum": policy._quorum,
        }
        quorums = 0
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            try:
                if words[0] not in ways:
                    raise Malformed(f"expected one of {', '.join(ways)}, got {words[0]!r:.40}")
                quorums += words[0] == "quorum"
                ways[words[0]](words[1:])
            except Malformed as error:
                raise Malformed(f"line {number} of the policy: {error.detail}") from None
        if quorums != 1:
            raise Malformed(
                "a policy has one line that begins with quorum; `quorum none` asks for no witness"
            )
        return policy

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise Malformed("expected: log <vkey> [<url>]")
        key = Key.parse(words[0])
        if key.algorithm != ED25519 or any(one.key.public == key.public for one in self.logs):
            raise Malformed(f"{key.name}: that is a witness's key, or it is named twice")
        self.logs.append(Known(key, words[1] if len(words) > 1 else ""))

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise Malformed("expected: witness <name> <vkey> [<url>]")
        name = self._new(words[0])
        key = Key.parse(words[1])
        if key.algorithm != COSIGNATURE_V1 or any(
            one.key.public == key.public for one in self.witnesses.values()
        ):
            raise Malformed(f"{key.name}: that is a log's key, or it is named twice")
        self.witnesses[name] = Known(key, words[2] if len(words) > 2 else "")

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise Malformed("expected: group <name> <any|all|number> <member>...")
        name, needed, *members = words
        self._new(name)
        for one in members:
            self._demand_known(one)
        number = {"any": "1", "all": str(len(members))}.get(needed, needed)
        if (
            not (number.isascii() and number.isdigit())
            or not 1 <= int(number) <= len(members)
            or len(set(members)) < len(members)
        ):
            raise Malformed(f"group {name}: {needed!r:.20} of {len(members)} different members cannot be")
        self.groups[name] = Group(int(number), tuple(members))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1:
            raise Malformed("expected: quorum <name>, or quorum none")
        if words[0] != NONE:
            self._demand_known(words[0])
        self.quorum = words[0]

    def _new(self, name: str) -> str:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise Malformed(f"{name!r:.40} is a name already")
        return name

    def _demand_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise Malformed(f"{name!r:.40} is neither a witness nor a group that was named before")

    @property
    def keys(self) -> list[Key]:
        """Of the witnesses."""
        return [one.key for one in self.witnesses.values()]

    def met(self, cosigned: Collection[Key]) -> bool:
        """Whether these witnesses are enough."""
        return self.quorum == NONE or self._met(self.quorum, cosigned)

    def _met(self, name: str, cosigned: Collection[Key]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].key in cosigned
        group = self.groups[name]
        return sum(self._met(one, cosigned) for one in group.members) >= group.needed
