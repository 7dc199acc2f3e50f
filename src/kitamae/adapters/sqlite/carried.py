"""What is read of a store that is copied: entities with their history, and what changes wrote."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.parquet.month import Wanted
from kitamae.adapters.sqlite import recall, series
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.reading import touched
from kitamae.kernel.context.moving.carried import (
    PRIME,
    Remembered,
    Standing,
    Told,
    Whole,
)

if TYPE_CHECKING:
    import apsw

    from kitamae.kernel.context.moving.carried import Id

_SQL = queries("moving")
_EVER: Final = (1 << 63) - 1


def whole(db: apsw.Connection, id: Id, there: Standing | None, most: int) -> Whole | None:
    """See `Leaving.whole`; None: there is no such entity."""
    row = db.execute(_SQL["carried_entity"], id).fetchone()
    if row is None:
        return None
    key, version, created, modified, gone, doc = row
    if db.execute(_SQL["compacted_here"], (key,)).get:
        return _filed(db, id, there, row)
    since = None
    if there is not None and db.execute(_SQL["begins_with"], (key, there.last)).get == (
        there.instances,
        there.sum,
    ):
        since = there.last
    after = since or 0
    last = db.execute(_SQL["carried_last"], (key, after, most)).get
    bound = {"entity": key, "after": after, "upto": _EVER if last is None else last}
    history = _history(id[1], key, db.execute(_SQL["carried_history"], bound).fetchall())
    if last is not None:
        version = 0  # not yet: the next comparison finds it different
    return Whole(id, key, version, created, modified, bool(gone), doc, since, history, last is not None)


def _filed(db: apsw.Connection, id: Id, there: Standing | None, row: tuple[Any, ...]) -> Whole:
    """An entity of which closed months stand in files: all of its history is in memory, so it is told at once."""
    key, version, created, modified, gone, doc = row
    left, since = rows(db, key), None
    if there is not None and sums([one for one in left if one[4] <= there.last]) == there[2:]:
        since = there.last
        left = [one for one in left if one[4] > since]
    return Whole(
        id, key, version, created, modified, bool(gone), doc, since, _history(id[1], key, left), more=False
    )


def rows(db: apsw.Connection, key: int) -> list[Any]:
    """As `carried_history` tells them."""
    found: list[Any] = []
    for attribute, name, dataset in series.attributes(db, key, {}):
        place = recall.table(db, Wanted(key, attribute, -_EVER, _EVER))
        found += db.execute(_SQL["carried_series"].format(table=place), (key, attribute, name, dataset))
    found.sort(key=lambda one: (one[4], one[6]))
    return found


def sums(found: list[Any]) -> tuple[int, int, int]:
    """How many, the sum of their seq, and the last."""
    return len(found), sum(one[4] % PRIME for one in found), found[-1][4] if found else 0


def _history(id: str, key: int, rows: list[Any]) -> list[Remembered]:
    """Every instance with its id written out: where it stands will be another place."""
    parts: Counter[int] = Counter()
    found: list[Remembered] = []
    for name, dataset, t, observed, seq, attribute, number, created, modified, deleted, doc in rows:
        told = orjson.loads(doc)
        if "instanceId" not in told:
            at = series.Series(id, key, attribute, name, dataset)
            doc = orjson.dumps({**told, "instanceId": series.derived_id(at, seq, number)})  # noqa: PLW2901
        found.append(
            Remembered(name, dataset, t, bool(observed), seq, parts[seq], created, modified, deleted, doc)
        )
        parts[seq] += 1
    return found


def told(db: apsw.Connection, row: tuple[Any, ...]) -> Told:
    """A row of `change`, with what it wrote written out."""
    seq, tenant, entity, variant, verb, at, actor, types, delta, history = row
    wrote = delta
    if delta is not None and history is not None:
        some = touched(db, seq, delta, history)
        wrote = orjson.dumps([[one.name, one.verb, one.after, one.before] for one in some])
    return Told(seq, tenant, entity, variant, verb, at, actor, types.encode(), wrote)
