"""What SQL asks Python for, a value at a time: cheaper than reading the whole document, and the same meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import orjson

from kitamae.kernel.context.query import geometry, pattern
from kitamae.kernel.context.query.build import moment

if TYPE_CHECKING:
    import apsw

    from kitamae.kernel.context.query.tree import Geo

    Value: TypeAlias = apsw.SQLiteValue


def declare(db: apsw.Connection) -> None:
    """Give a connection the functions that `translate` uses."""
    db.create_scalar_function("text_matches", _text_matches, 2, deterministic=True)
    db.create_scalar_function("moment_at", _moment_at, 2, deterministic=True)
    db.create_scalar_function("place_related", _place_related, 2, deterministic=True)


def _text_matches(*given: Value) -> bool:
    """`text_matches(text, pattern)`: the pattern is found in it; never in what is no text."""
    text, asked = given
    return isinstance(text, str) and pattern.compiled(str(asked))(text)


def _moment_at(*given: Value) -> int | None:
    """`moment_at(text, 'DateTime')`: see `tree.Moment.at`; NULL for what is no time of that kind."""
    text, kind = given
    found = moment(text) if isinstance(text, str) else None
    return found.at if found is not None and found.kind == kind else None


def _place_related(*given: Value) -> bool:
    """`place_related(value, asked)`: JSON of what may be a geometry, and a `Geo` that was bound as it is."""
    text, asked = given
    value = orjson.loads(text) if isinstance(text, str) else None
    return isinstance(value, dict) and geometry.related(cast("Geo", asked), value)
