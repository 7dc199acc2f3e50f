"""Entities back to rows, by the same layouts that read them: what a city publishes it can take in again."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kitamae.kernel.context.normalized import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.intake.layout import Column, Layout


class NotTellableError(ValueError):
    """The dataset has no way to say it, and what it would say instead is not true."""


def table(layout: Layout, entities: Iterable[Mapping[str, Any]], city: str) -> str:
    """CSV with a header, as 自治体標準オープンデータセット wants it (UTF-8, comma, CRLF), rows in the order of their ids.

    `entities`: normalized, with the city's short names; `city`: 全国地方公共団体コード. A column that reads an absent one as a value
    of its own (不明) is left out where all have that value. Raises NotTellableError where only some have it and the dataset has no cell for it.
    """
    rows = sorted(entities, key=lambda one: str(one["id"]))
    columns = {name: one for name, one in layout.columns.items() if not _left_out(one, name, rows)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(
        [_cell(layout, name, one, entity, city) for name, one in columns.items()] for entity in rows
    )
    return out.getvalue()


def _left_out(column: Column, name: str, rows: list[Mapping[str, Any]]) -> bool:
    if not column.absent or column.absent in column.choice.values():
        return False
    return all(_value(one, column.to or name) in (None, column.absent) for one in rows)


def _cell(layout: Layout, name: str, column: Column, entity: Mapping[str, Any], city: str) -> str:
    if name in layout.city:
        return city
    if column.kind in ("latitude", "longitude"):
        at = told(entity, "location").get("value", {}).get("coordinates")
        return repr(float(at[column.kind == "latitude"])) if at else ""
    to = name if column.to is None else column.to
    if not to:
        return ""
    if column.kind == "reference":
        target = told(entity, to).get("object")
        return unquote(str(target).rpartition(":")[2]) if target else ""
    value = _value(entity, to)
    if column.kind == "choice":
        return _choice(layout, name, column, column.absent if value is None else value, entity)
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else value)
    return "" if value is None else str(value)


def _choice(layout: Layout, name: str, column: Column, value: object, entity: Mapping[str, Any]) -> str:
    for text, meaning in column.choice.items():
        if meaning == value:
            return text
    doubted = next((one for one in layout.doubt if name in one.columns and one.becomes == value), None)
    if doubted and all(
        _value(entity, layout.columns[one].to or one) in (None, value) for one in doubted.columns
    ):
        return next((text for text, meaning in column.choice.items() if meaning == doubted.all), "")
    if value in ("", None):
        return ""
    raise NotTellableError(f"{entity['id']}: {name} is {value!r:.40}, for which {layout.id} has no cell")


def _value(entity: Mapping[str, Any], name: str) -> Any:
    one = told(entity, name)
    return one.get("value", one.get("languageMap", {}).get("ja"))
