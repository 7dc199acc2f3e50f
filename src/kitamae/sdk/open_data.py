"""What a city publishes as 自治体標準オープンデータセット, for services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.intake import give
from kitamae.intake.give import NotTellableError
from kitamae.intake.layout import known
from kitamae.sdk.problems import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["table"]


def table(dataset: str, entities: Iterable[Mapping[str, Any]], city: str) -> str:
    """CSV of a dataset (`emergency_evacuation_sites`) from normalized entities. Raises Conflict for what it has no cell for."""
    try:
        return give.table(known()[dataset], entities, city)
    except NotTellableError as error:
        raise Conflict(str(error)) from error
