"""Persons' keys of a city on its way: from keys.db or a PostgreSQL, to either. They never lie with the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kitamae.adapters.sql.address import SCHEMES
from kitamae.adapters.sqlite.keys.moving import SqliteKeysMoving
from kitamae.kernel.context.moving.tables import DATA_KEY
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.directory.layout import Layout
    from kitamae.kernel.context.moving.tables import Keys
    from kitamae.settings import Settings


@dataclass(frozen=True, slots=True)
class KeysMove:
    """See `begin`. `where`: the target without any password."""

    source: Keys
    target: Keys
    where: str

    @classmethod
    async def begin(
        cls, settings: Settings, layout: Layout, new: Layout | None, alias: str, to: str
    ) -> Self | None:
        """`new`: the directory that the city goes to; None: it goes to a PostgreSQL. `to`: postgresql://..., "" where nobody said.
        None: they stay where they are, since they are on PostgreSQL, or there are none. Raises BadRequest where somebody must say,
        Conflict where others are, and what opening keys raises.
        """
        if to and not to.startswith(SCHEMES):
            raise BadRequest(f"--keys: expected postgresql://..., got {to.partition('@')[0]!r:.40}")
        if not to and (settings.keys or not layout.keys.exists()):
            return None
        source = await _source(settings, layout)
        target: Keys | None = None
        try:
            if to:
                from kitamae.adapters.postgres.keys.moving import PostgresKeysMoving  # only when a city moves

                target = await PostgresKeysMoving.open(to, filled=True)
                where = settings.model_copy(update={"store": to}).kept_in
            elif new is not None:
                target, where = SqliteKeysMoving(new.keys, filled=True), str(new.keys)
            elif await source.rows(DATA_KEY, DATA_KEY.first, DATA_KEY.last, 1):
                raise BadRequest(
                    "there are persons' keys, which lie apart from the state: say where they go, in a database or schema of their"
                    " own (--keys postgresql://...)"
                )
            else:
                await source.close()
                return None
            await target.begin(alias)
        except BaseException:
            for one in (source, target):
                if one is not None:
                    await one.close()
            raise
        return cls(source, target, where)

    async def close(self) -> None:
        """Let go of both."""
        await self.source.close()
        await self.target.close()


async def _source(settings: Settings, layout: Layout) -> Keys:
    if settings.keys:
        from kitamae.adapters.postgres.keys.moving import PostgresKeysMoving

        return await PostgresKeysMoving.open(settings.keys, filled=False)
    return SqliteKeysMoving(layout.keys, filled=False)
