"""Writes over NGSIv2 of what sources registered over NGSI-LD answer for: told to them in NGSI-LD (clauses 4.3.6, 5.6.x).

Whose is what is worked out as for a write over NGSI-LD. What stays here is done first; then every owner is sent its part
by the operation that does the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.context import represent
from kitamae.kernel.context.api import forward, source
from kitamae.kernel.context.api.asked import segment
from kitamae.kernel.context.api.write import Write
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.registration import share
from kitamae.kernel.context.v2 import attribute, correlator, operators
from kitamae.kernel.context.v2.operations import BUILTIN, New
from kitamae.kernel.context.v2.problems import NotAll
from kitamae.kernel.problems import AlreadyExists, LoopDetected, NotFound, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.api.write import Outcome
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.registration.share import Part, Shares
    from kitamae.kernel.context.v2.exchange import Exchange
    from kitamae.kernel.problems import Problem

Kind = Literal[
    "create",
    "upsert",
    "upsertStrict",
    "append",
    "appendStrict",
    "update",
    "replace",
    "delete",
    "dropAll",
    "set",
    "setValue",
    "drop",
]
"""What is asked of an entity, or (`set`, `setValue`, `drop`) of the one attribute that is given. `Strict`: what is there stays."""
Here = Callable[[Mapping[str, "Json"]], Awaitable[None]]
"""Does what stays here of the attributes. Raises Problem."""

_NAMES: Final[dict[Kind, str]] = {
    "create": "createEntity",
    "upsert": "createEntity",
    "upsertStrict": "createEntity",
    "append": "appendAttrs",
    "appendStrict": "appendAttrs",
    "update": "updateEntity",
    "replace": "replaceEntity",
    "delete": "deleteEntity",
    "dropAll": "updateEntity",
    "set": "updateAttrs",
    "setValue": "updateAttrs",
    "drop": "deleteAttrs",
}
"""The operation of NGSI-LD that does it (clause 4.20)."""
_AFTER: Final[dict[Kind, Kind]] = {"upsert": "append", "upsertStrict": "appendStrict"}
"""What is asked of an owner who has the entity already."""
_ALSO: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    "appendStrict": (("options", "noOverwrite"),),
    "drop": (("deleteAll", "true"),),
}
_SINGLE: Final = frozenset({"set", "setValue", "drop"})


@dataclass(frozen=True, slots=True)
class Wish:
    """`id` and `type` as they are inside (None: not said); `given`: attributes as the client wrote them."""

    kind: Kind
    id: str
    type: str | None
    given: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose is what of a wish. `ours`: the attributes that stay here; None: nothing does."""

    wish: Wish
    types: tuple[str, ...]
    shared: Shares
    ours: Mapping[str, Json] | None


@dataclass(slots=True)
class Told:
    """What owners did. `some`: one of them did something. `left`: names that were not done, as the client wrote them."""

    some: bool = False
    left: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def demand(self, here: Problem | None = None, *, done: bool) -> None:
        """`done`: something was done here; `here`: what went wrong with it. Raises that, or NotAll where some was done."""
        problems = [*([here] if here is not None else []), *self.problems]
        if problems and not (done or self.some):
            raise problems[0]
        if problems:
            raise NotAll(f"not done everywhere: {'; '.join(map(str, problems))}"[:1_000])


async def owned(x: Exchange, wish: Wish) -> Owned | None:
    """None: all of it is ours. Raises NotSignedIn or Forbidden for a part that the caller may not write."""
    registrations = [one for one in source.registered(x.request) if "v2" not in one.doc]
    if not registrations or "skipForwarding" in x.params.get("options", "").split(","):
        return None
    here = await forward.present(x.request, wish.id)
    known = [wish.type] if wish.type is not None else []
    types = (
        frozenset((*(here or ()), *known))
        if here is None or not known or known[0] in here
        else frozenset(known)
    )
    written = {name: x.words.expand(name) for name in wish.given if name not in BUILTIN}
    names = None if wish.kind == "delete" else frozenset(written.values())
    target = share.Target(wish.id, types or None, None, names)
    shared = forward.asked(x, x.request, target, registrations, {_NAMES[wish.kind]})
    if not shared.elsewhere:
        return None
    if correlator.count(x.correlator, "cbfwd") >= correlator.MOST:
        raise LoopDetected("the request went from broker to broker too often")
    ours: Mapping[str, Json] | None = wish.given
    if names is not None and (shared.taken or shared.whole):
        left = names - shared.taken
        alone = wish.kind in ("create", "upsert", "upsertStrict") or wish.kind in _SINGLE
        if not left and (shared.whole or alone or here is None):
            ours = None
        else:
            ours = {name: one for name, one in wish.given.items() if written.get(name) not in shared.taken}
    return Owned(wish, tuple(here or sorted(types)), shared, ours)


async def done(x: Exchange, wish: Wish, here: Here) -> None:
    """Here, and by whoever else has a part in it. Raises as `carry`."""
    mine = await owned(x, wish)
    if mine is None:
        await here(wish.given)
    else:
        await carry(x, mine, here)


async def carry(x: Exchange, mine: Owned, here: Here) -> None:
    """What stays here first; then every owner is sent its part. Raises why nobody did anything, or NotAll."""
    wish = mine.wish
    problem: Problem | None = None
    done = False
    if mine.ours is not None:
        try:
            await here(mine.ours)
            done = True
        except (AlreadyExists, NotFound, Unprocessable) as wrong:
            gone = wish.kind == "delete" and isinstance(wrong, NotFound) and mine.shared.whole
            done, problem = isinstance(wrong, NotAll), None if gone else wrong
    (await told(x, mine)).demand(problem, done=done)


async def told(x: Exchange, mine: Owned) -> Told:
    """Every owner is sent its part. Raises BadRequest for what cannot be read."""
    wish, words = mine.wish, x.words
    operated = frozenset(words.expand(name) for name, one in wish.given.items() if _operates(one))
    able = [part for part in mine.shared.sent if not operated & (part.attrs or frozenset())]
    parted = replace(mine.shared, sent=able)
    outcomes = await forward.sent(x, x.request, _write(x, mine), parted) if parted.elsewhere else []
    found = Told()
    for part in mine.shared.sent:
        if part not in able:
            reason = f"the source {part.registration.id} keeps this: an operator cannot be worked out here"
            _missed(found, x, part, Unprocessable(reason))
    for one in outcomes:
        _count(found, x, one)
    return found


def _count(found: Told, x: Exchange, one: Outcome) -> None:
    if one.problem is None:
        found.some = True
        return
    found.some = found.some or bool(one.updated)
    if one.not_updated:
        found.left += map(x.words.compact, one.not_updated)
        found.problems.append(one.problem)
    elif one.part is not None:
        _missed(found, x, one.part, one.problem)


def _missed(found: Told, x: Exchange, part: Part, problem: Problem) -> None:
    found.left += map(x.words.compact, sorted(part.attrs or ()))
    found.problems.append(problem)


def _operates(given: Json) -> bool:
    return isinstance(given, dict) and operators.asked(given.get("value"))


def _write(x: Exchange, mine: Owned) -> Write:
    """As NGSI-LD says it. Raises BadRequest."""
    wish = mine.wish
    name, at = _NAMES[wish.kind], f"entities/{segment(wish.id)}"
    asked: tuple[str, str, dict[str, Any] | None]
    match wish.kind:
        case "create" | "upsert" | "upsertStrict":
            asked = ("POST", "entities", _entity(x, mine))
        case "dropAll":
            null = {"type": "Property", "value": NULL}
            gone = {x.request.context.compact(x.words.expand(name)): null for name in wish.given}
            asked = ("PATCH", f"{at}/attrs/", gone)
        case "append" | "appendStrict" | "update":
            asked = ("PATCH" if wish.kind == "update" else "POST", f"{at}/attrs/", _attributes(x, wish))
        case "replace":
            asked = ("PUT", at, _entity(x, mine))
        case "delete":
            asked = ("DELETE", at, None)
        case "drop":
            asked = ("DELETE", f"{at}/attrs", None)
        case _:
            asked = ("PATCH", f"{at}/attrs", _attribute(x, wish))
    single = x.words.expand(next(iter(wish.given))) if wish.kind in _SINGLE else None
    instead = None
    if wish.kind in ("upsert", "upsertStrict"):
        instead = _write(x, replace(mine, wish=replace(wish, kind=_AFTER[wish.kind])))
    return Write(
        *(name, asked[0], asked[1], wish.id, asked[2]),
        means=dict,
        attribute=single,
        also=_ALSO.get(wish.kind, ()),
        instead=instead,
    )


def _attributes(x: Exchange, wish: Wish) -> dict[str, Any]:
    """In NGSI-LD, in the words of the city's @context; operators are left out."""
    made = New(wish.id, "", "/", _plain(wish.given), x.words).entity()
    context = x.request.context
    shown: dict[str, Any] = {
        context.compact(name): represent.attribute(some, context) for name, some in made["attrs"].items()
    }
    return {**shown, "expiresAt": made["expiresAt"]} if "expiresAt" in made else shown


def _plain(given: Mapping[str, Json]) -> dict[str, Json]:
    return {name: one for name, one in given.items() if not _operates(one)}


def _entity(x: Exchange, mine: Owned) -> dict[str, Any]:
    wish, context = mine.wish, x.request.context
    types: Sequence[str] = (wish.type,) if wish.type is not None else mine.types
    if not types:
        raise Unprocessable("an entity that is not here is made, or replaced, with its type alone: say type")
    shown = [context.compact(name) for name in types]
    head: dict[str, Any] = {"id": wish.id, "type": shown[0] if len(shown) == 1 else shown}
    if x.path != "/":
        head["scope"] = x.path
    return {**head, **_attributes(x, wish)}


def _attribute(x: Exchange, wish: Wish) -> dict[str, Any]:
    ((name, given),) = wish.given.items()
    if _operates(given):
        return {}
    made = attribute.read(given, name, x.words)
    shown = represent.normalized(made, x.request.context)
    if wish.kind == "setValue" and made["kind"] == "Property":
        del shown["type"]  # whatever it is there, it stays
    return shown
