"""The store's tables for entities, filled as the store fills them: for what reads them alone."""

from __future__ import annotations

from importlib.resources import files

import apsw
import orjson

from kitamae.adapters.sqlite import functions, hot
from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import Entity
from kitamae.kernel.context.query import geometry


def opened(entities: list[Entity], declared: tuple[str, ...] = ()) -> apsw.Connection:
    """The store's own tables, filled as the store fills them."""
    db = apsw.Connection(":memory:")
    db.execute((files("kitamae.adapters.sqlite") / "migrations" / "0001_keel.up.sql").read_text("utf-8"))
    hot.declare(db, declared)
    functions.declare(db)
    for key, entity in enumerate(entities, 1):
        kv = {name: instances[0]["v"] for name, instances in entity["attrs"].items()}
        plain = all(len(instances) == 1 for instances in entity["attrs"].values())
        created = clock.micros(entity["createdAt"])
        db.execute(
            "INSERT INTO entity (key, tenant, id, version, created, modified, plain, kv, doc)"
            " VALUES (?, '', ?, 1, ?, ?, ?, jsonb(?), ?)",
            (key, entity["id"], created, created, plain, orjson.dumps(kv), orjson.dumps(entity)),
        )
        for name in entity["type"]:
            db.execute("INSERT INTO entity_type VALUES ('', ?, ?)", (name, key))
        for scope in entity.get("scope", []):
            db.execute("INSERT OR IGNORE INTO entity_scope VALUES ('', ?, ?)", (scope, key))
        for name, instances in entity["attrs"].items():
            for instance in instances:
                box = geometry.box(instance["v"]) if instance["kind"] == "GeoProperty" else None
                if box:
                    db.execute("INSERT INTO place (entity, name) VALUES (?, ?)", (key, name))
                    db.execute(
                        "INSERT INTO place_box VALUES (last_insert_rowid(), ?, ?, ?, ?)",
                        (box[0], box[2], box[1], box[3]),
                    )
    return db
