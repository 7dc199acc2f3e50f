"""Writes entities with everything that hangs on their keys: types, scopes, places, hot values, counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.postgres.group import Overtaken, State
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.sql import columns as forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Id, Wrote
    from kitamae.adapters.postgres.known import Known
    from kitamae.kernel.context.entity import Entity, Json

_SQL = queries("entity")
_NUL = b"\\u0000"


class _Rows:
    """What each statement is given, in the order in which they are run."""

    def __init__(self) -> None:
        self.by: dict[str, list[tuple[Any, ...]]] = {
            name: []
            for name in (
                "entity_update", "entity_insert", "entity_forget", "type_delete", "scope_delete", "place_delete",
                "hot_delete", "type_insert", "scope_insert", "place_insert", "hot_insert", "census_add",
            )
        }  # fmt: skip
        self.census: Counter[tuple[str, bytes]] = Counter()


async def write(db: Connection, wrote: Sequence[Wrote], known: Known) -> None:
    """Each entity once, however often it was written. Raises Overtaken where a new one was made by somebody else."""
    if not wrote:
        return
    net: dict[Id, tuple[State | None, State | None]] = {}
    for id, before, after in wrote:
        net[id] = (net[id][0] if id in net else before, after)
    rows = _Rows()
    for id in sorted(net):
        _entity(rows, id, *net[id], known)
    rows.by["census_add"] = [(tenant, shape, n) for (tenant, shape), n in rows.census.items() if n]
    for name, found in rows.by.items():
        if found:
            done: str = await db.execute(_SQL[name], *(list(column) for column in zip(*found, strict=True)))
            if name == "entity_insert" and int(done.rpartition(" ")[2]) != len(found):
                raise Overtaken


def _entity(rows: _Rows, id: Id, before: State | None, after: State | None, known: Known) -> None:
    tenant = id[0]
    some = after or before
    if some is None:
        return
    key, by = some.key, rows.by
    if after is None:
        by["entity_forget"].append((tenant, key))
    else:
        expires, plain, kv, doc = row(after)
        if before is None:
            by["entity_insert"].append(
                (
                    tenant,
                    key,
                    *id[1:],
                    after.version,
                    after.created,
                    after.modified,
                    expires,
                    plain,
                    after.gone,
                    kv,
                    doc,
                )
            )
        else:
            by["entity_update"].append(
                (
                    tenant,
                    key,
                    after.version,
                    after.created,
                    after.modified,
                    expires,
                    plain,
                    after.gone,
                    kv,
                    doc,
                )
            )
        known.keep(id, after, len(doc))
    old = None if before is None or before.gone else before.entity
    new = None if after is None or after.gone else after.entity
    _side(by, "type", tenant, key, old["type"] if old else (), new["type"] if new else ())
    _side(by, "scope", tenant, key, old.get("scope", ()) if old else (), new.get("scope", ()) if new else ())
    _attributes(rows, tenant, key, old, new, known.hot)


def _side(
    by: dict[str, list[tuple[Any, ...]]],
    side: str,
    tenant: str,
    key: int,
    old: Iterable[str],
    new: Iterable[str],
) -> None:
    if old != new:
        was, now = set(old), set(new)
        by[f"{side}_delete"] += [(tenant, one, key) for one in was - now]
        by[f"{side}_insert"] += [(tenant, one, key) for one in now - was]


def _attributes(
    rows: _Rows, tenant: str, key: int, old: Entity | None, new: Entity | None, hot: dict[str, int]
) -> None:
    """What follows from attributes that changed. Those that did not are the same objects before and after."""
    was, now = old["attrs"] if old else {}, new["attrs"] if new else {}
    moves, looks = False, old is None or new is None or old["type"] != new["type"]
    for name in was.keys() | now.keys():
        before, after = was.get(name), now.get(name)
        if before is after or (before and after and _alike(before, after)):
            continue
        kinds, others = [one["kind"] for one in before or ()], [one["kind"] for one in after or ()]
        looks = looks or kinds != others
        moves = moves or "GeoProperty" in kinds or "GeoProperty" in others
        if name in hot:
            left, value = hot_value(before), hot_value(after)
            if left != value:
                if left is not None:
                    rows.by["hot_delete"].append((tenant, hot[name], left, key))
                if value is not None:
                    rows.by["hot_insert"].append((tenant, hot[name], value, key))
    if moves:
        there, places = forms.places(old) if old else [], forms.places(new) if new else []
        if there != places:
            if there:
                rows.by["place_delete"].append((tenant, key))
            rows.by["place_insert"] += [(tenant, key, name, *box) for name, box in places]
    if looks:
        if old is not None:
            rows.census[tenant, shape(old)] -= 1
        if new is not None:
            rows.census[tenant, shape(new)] += 1


def _alike(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """One instance each, and the same kind and value: nothing that hangs on the entity's key is another."""
    if len(before) != 1 or len(after) != 1:
        return False
    (was,), (now,) = before, after
    return was["kind"] == now["kind"] and type(was["v"]) is type(now["v"]) and bool(was["v"] == now["v"])


def shape(entity: Entity) -> bytes:
    """Which types, attributes and kinds, as JSON: equal for all entities that look alike, in whatever order they say it."""
    attrs = [
        [name, *sorted({one["kind"] for one in instances})] for name, instances in entity["attrs"].items()
    ]
    return orjson.dumps([sorted(entity["type"]), sorted(attrs)])


def row(state: State) -> tuple[int | None, bool, str, bytes]:
    """(expires, plain, kv as JSON text, doc)."""
    if state.gone:
        return None, True, "{}", orjson.dumps(state.entity)
    expires, plain, kv, doc = forms.row(state.entity)
    if _NUL in kv:  # JSONB holds no such letter: an array says that only `match` knows the value
        there: dict[str, Json] = orjson.loads(kv)
        kv = orjson.dumps({k: [] if _NUL in orjson.dumps(v) else v for k, v in there.items()})
        plain = 0
    return expires, bool(plain), kv.decode(), doc


def hot_value(instances: Sequence[Any] | None) -> str | None:
    """What `hot` says of an attribute: JSON of its first instance's value, see the table; None: nothing."""
    if not instances or instances[0]["v"] is None:
        return None
    return hot_key(instances[0]["v"])


def hot_key(value: Json) -> str:
    """A value as it stands in `hot`: texts are cut, so that no value is too long for an index."""
    if isinstance(value, str):
        return "[]" if "\0" in value else orjson.dumps(value[:100]).decode()
    return "[]" if isinstance(value, list | dict) else orjson.dumps(value).decode()
