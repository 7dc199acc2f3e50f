"""The file's version: up, down, and what is refused."""

from __future__ import annotations

from pathlib import Path

import apsw
import orjson
import pytest
from sensors import FILE, create, done, id_of, level, opened

from kitamae.adapters.sql.steps import Step
from kitamae.adapters.sqlite import database, migrate
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.delete import Delete
from kitamae.kernel.context.store import InstanceQuery, Placed, Transaction
from kitamae.kernel.problems import StoreTooNew, StoreUnknown


def tables(db: apsw.Connection) -> set[str]:
    return {
        str(row[0]) for row in db.execute("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    }


def test_every_step_up_has_a_step_down_that_leaves_what_was_there_before(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / FILE))
    seen = [tables(db)]
    for step in migrate.steps():
        migrate.migrate(db, step.number)
        assert migrate.version(db) == step.number
        seen.append(tables(db))
    for step in reversed(migrate.steps()):
        assert tables(db) == seen.pop()
        migrate.migrate(db, step.number - 1)
    assert tables(db) == set()
    assert migrate.version(db) == 0
    db.close()


async def test_changes_and_history_say_the_same_after_the_way_back_and_up_again(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await done(store, create(1), create(2))
    await done(store, level(1, 7), Command("", id_of(2), Delete()))
    asked = InstanceQuery("", (id_of(1), id_of(2)))
    changes, instances = await store.changes(0, 10), await store.instances(asked)
    await store.close()
    db = apsw.Connection(str(tmp_path / FILE))
    migrate.migrate(db, 1)
    told = [orjson.loads(row[0]) for row in db.execute("SELECT delta FROM change ORDER BY seq")]
    assert [[tuple(one) for one in delta] for delta in told] == [
        [(one.name, one.verb, one.after, one.before) for one in change.touched] for change in changes
    ]
    assert db.execute("SELECT count(*) FROM instance WHERE doc ->> '$.instanceId' IS NULL").get == 0
    db.close()
    store = await opened(tmp_path)
    assert await store.changes(0, 10) == changes
    again = await store.instances(asked)
    assert [one.instance_id for one in again] == [one.instance_id for one in instances]
    assert [(one.name, one.attribute["v"], one.deleted_at) for one in again] == [
        (one.name, one.attribute["v"], one.deleted_at) for one in instances
    ]
    await store.close()


async def test_the_way_back_is_refused_while_leaves_of_the_ledger_are_not_published(tmp_path: Path) -> None:
    store = await opened(tmp_path)

    async def work(tx: Transaction) -> int:
        return await tx.log(b"leaf")

    number = await store.transact(work)
    await store.close()
    db = apsw.Connection(str(tmp_path / FILE))
    with pytest.raises(apsw.ConstraintError, match="not_published_yet"):
        migrate.migrate(db, 3)
    assert db.execute("SELECT count(*) FROM leaf").get == 1
    db.close()
    store = await opened(tmp_path)
    await store.place([Placed(1, number)])
    await store.close()
    db = apsw.Connection(str(tmp_path / FILE))
    migrate.migrate(db, 3)
    assert "leaf" not in tables(db)
    db.close()


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> int:
    """A Kitamae of the next version."""
    known = migrate.steps()
    new = Step(
        len(known) + 1,
        "colour",
        "ALTER TABLE entity ADD COLUMN colour TEXT; CREATE INDEX entity_colour ON entity (colour);",
        "DROP INDEX entity_colour; ALTER TABLE entity DROP COLUMN colour;",
    )
    monkeypatch.setattr(migrate, "steps", lambda: [*known, new])
    return new.number


async def test_an_upgrade_keeps_everything_and_leaves_a_backup_that_the_older_version_opens(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = await opened(tmp_path)
    await done(store, create(1))
    await store.close()
    number: int = request.getfixturevalue("one_more")
    store = await opened(tmp_path)
    assert await store.row("", id_of(1))
    await done(store, create(2))
    await store.close()
    (backup,) = tmp_path.glob("*.backup")
    assert f".v{number - 1}." in backup.name
    db = database.reader(backup)
    assert db.pragma("user_version") == number - 1
    assert db.execute("SELECT count(*) FROM entity").get == 1
    db.close()


async def test_a_newer_file_is_refused_with_a_sentence_and_left_alone_and_the_newer_program_can_go_back(
    tmp_path: Path,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        known = migrate.steps()
        new = Step(
            len(known) + 1,
            "colour",
            "ALTER TABLE entity ADD COLUMN colour TEXT;",
            "ALTER TABLE entity DROP COLUMN colour;",
        )
        patch.setattr(migrate, "steps", lambda: [*known, new])
        store = await opened(tmp_path)
        await done(store, create(1))
        await store.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StoreTooNew, match=r"newer Kitamae.*nothing was changed"):
        await opened(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "steps", lambda: [*known, new])
        db = apsw.Connection(str(tmp_path / FILE))
        migrate.migrate(db, len(known))
        db.close()
    store = await opened(tmp_path)
    assert await store.row("", id_of(1))
    await store.close()


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / FILE))
    other.execute("CREATE TABLE photos (id)")
    other.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StoreUnknown, match="not one of Kitamae's"):
        await opened(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_step_that_fails_leaves_the_version_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = apsw.Connection(str(tmp_path / FILE))
    migrate.migrate(db)
    known, there = migrate.steps(), tables(db)
    wrong = Step(len(known) + 1, "wrong", "CREATE TABLE half (a); CREATE TABLE entity (a);", "")
    monkeypatch.setattr(migrate, "steps", lambda: [*known, wrong])
    with pytest.raises(apsw.SQLError):
        migrate.migrate(db)
    assert migrate.version(db) == len(known)
    assert tables(db) == there
    db.close()
