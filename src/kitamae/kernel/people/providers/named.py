"""Who did something for a provider: a person who may be erased, in entries of the ledger that are about a contract and stay.

What an entry commits to names a member only by a commitment of its own, whose salt lies beside the entry (`openings`). With that salt gone
nobody can show any more who it was; that it was done, when, and what the contract said, the entry goes on proving. Staff
act for the city and stand there by their references.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.duties.records import Leaf as Told
from kitamae.kernel.people.duties.records import log

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Transaction

_STAFF: Final = ("staff-", "system", "operator")
_BY: Final = "by"


class Opening(TypedDict):
    """Whom a name in an entry stands for, and the salt (base64) that shows it."""

    by: str
    salt: str


class Leaf(Told):
    """`openings`: by the name that stands in `told`."""

    openings: NotRequired[dict[str, Opening]]


async def entered(tx: Transaction, told: dict[str, Any]) -> Leaf:
    """Into the ledger, within the transaction of what it tells, with no member's reference in it."""
    names: dict[str, str] = {}
    openings: dict[str, Opening] = {}

    def name(ref: str) -> str:
        if ref not in names:
            salt = commitment.salt()
            bound = commitment.commit(salt, commitment.canonical({_BY: ref}))
            names[ref] = base64.b64encode(bound).decode()
            openings[names[ref]] = {"by": ref, "salt": base64.b64encode(salt).decode()}
        return names[ref]

    def hidden(what: Any) -> Any:
        if isinstance(what, list):
            return [hidden(one) for one in what]
        if not isinstance(what, dict):
            return what
        return {
            key: name(value) if key == _BY and isinstance(value, str) and is_member(value) else hidden(value)
            for key, value in what.items()
        }

    leaf = await log(tx, hidden(told))
    made: Leaf = {"number": leaf["number"], "told": leaf["told"], "salt": leaf["salt"]}
    if openings:
        made["openings"] = openings
    return made


def is_member(ref: str) -> bool:
    """Else a member of staff, or a program of the city, who acted for it; "" is somebody who was erased."""
    return bool(ref) and not ref.startswith(_STAFF)


def joined(doc: Any, person: str) -> int:
    """When the person came to this provider, the last time; microseconds UTC, 0 for never."""
    came = [
        clock.micros(leaf["told"]["at"])
        for leaf in doc["ledger"]
        if leaf["told"].get("what") in ("applied", "joined") and _opens(leaf, person)
    ]
    return max(came, default=0)


def without(doc: Any, person: str, before: int) -> Any:
    """The document as it is when the person is erased: what he did before that moment (microseconds UTC) was done by nobody who can be named."""
    if isinstance(doc, list):
        return [without(one, person, before) for one in doc]
    if not isinstance(doc, dict):
        return doc
    if "told" in doc and "salt" in doc and _opens(doc, person):
        return _blind(doc, person) if clock.micros(doc["told"]["at"]) < before else doc
    mine = doc.get(_BY) == person and clock.micros(doc["at"]) < before if "at" in doc else False
    return {key: "" if key == _BY and mine else without(value, person, before) for key, value in doc.items()}


def naming(doc: Any) -> set[str]:
    """Whoever may stand there, whatever he did: each text in the document. One who left is in no list of members, and in what he did."""
    if isinstance(doc, str):
        return {doc}
    inner = doc.values() if isinstance(doc, dict) else doc if isinstance(doc, list) else ()
    return set().union(*map(naming, inner))


def _opens(leaf: Any, person: str) -> bool:
    if "openings" in leaf:
        return any(one[_BY] == person for one in leaf["openings"].values())
    return person in str(leaf["told"])


def _blind(leaf: Any, person: str) -> Any:
    """Of before there were openings the whole entry: its own salt stood beside the reference."""
    if "openings" not in leaf:
        return {**leaf, "told": without(leaf["told"], person, 1 << 62), "salt": ""}
    return {**leaf, "openings": {k: one for k, one in leaf["openings"].items() if one[_BY] != person}}
