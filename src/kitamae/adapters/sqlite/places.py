"""Where an entity is: a row for each of its places, and the box around it in the R*Tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    import apsw

    from kitamae.kernel.context.query.geometry import Box

_SQL = queries("entity")
_PLACE_INSERT, _BOX_INSERT = _SQL["place_insert"], _SQL["place_box_insert"]
_KEYS, _PLACE_DELETE, _BOX_DELETE = _SQL["place_keys"], _SQL["place_delete"], _SQL["place_box_delete"]


def put(db: apsw.Connection, key: int, boxes: list[tuple[str, Box]]) -> None:
    """The places of the entity `key`, which has none yet, by the name of their attribute."""
    for name, around in boxes:
        db.execute(_PLACE_INSERT, (key, name))
        db.execute(_BOX_INSERT, around)


def drop(db: apsw.Connection, key: int) -> None:
    """All of them."""
    boxes = db.execute(_KEYS, (key,)).fetchall()
    for box in boxes:
        db.execute(_BOX_DELETE, box)
    if boxes:
        db.execute(_PLACE_DELETE, (key,))
