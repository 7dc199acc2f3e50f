"""Whose a row is: what a copied folder still says of the city that it was copied from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import shapely
import shapely.geometry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kitamae.intake.row import Taken
    from kitamae.sdk.city import City

_MARGIN: Final = 0.005
"""Degrees, some 500 m: boundaries are simplified, and a beach or a bridge may lie outside of them."""

_NAMED: Final = 20
"""Rows of one file that are named; a folder that was copied as it is has thousands."""


def strangers(city: City, rows: Sequence[tuple[str, Taken]]) -> Iterator[tuple[str, str]]:
    """(file:line, why) of each row that is another city's. `rows`: every row of the city's files, with its file.

    A row is this city's by its 地方公共団体コード and by its place: within the boundary that has the city's code, or, where
    there is none, within the bbox of city.toml.
    """
    box = shapely.box(*city.bbox)
    own = [row for _, row in rows if _is_boundary(row) and _code(row) == city.code]
    known = [place for row in own if (place := _place(row)) is not None]
    boxed = _within(box), "the bbox of city.toml"
    bounded = (_within(shapely.union_all(known)), f"the boundary of {city.code}") if known else boxed
    more: dict[str, int] = {}
    for file, row in rows:
        why = _why(city, row, *(boxed if _is_boundary(row) else bounded))
        if why is None:
            continue
        more[file] = more.get(file, 0) + 1
        if more[file] <= _NAMED:
            yield f"{file}:{row.line}", why
    for file, count in more.items():
        if count > _NAMED:
            yield file, f"{count - _NAMED} further rows are another city's"


def _why(city: City, row: Taken, area: shapely.Geometry, named: str) -> str | None:
    code = _code(row)
    if code and code != city.code:
        return f"全国地方公共団体コード: expected {city.code}, this city's, got {code!r}: another city's row"
    place = _place(row)
    if place is not None and not area.intersects(place):
        at = place.representative_point()
        return f"place: expected one within {named}, got {at.y:g}, {at.x:g}: it lies outside the city"
    return None


def _code(row: Taken) -> str | None:
    found: dict[str, Any] = row.entity.get("地方公共団体コード", {})
    code: str | None = found.get("value")
    return code


def _place(row: Taken) -> shapely.Geometry | None:
    location = row.entity.get("location")
    return None if location is None else shapely.geometry.shape(location["value"])


def _is_boundary(row: Taken) -> bool:
    return bool(row.entity["type"] == "AdministrativeArea")


def _within(area: shapely.Geometry) -> shapely.Geometry:
    wide = area.buffer(_MARGIN)
    shapely.prepare(wide)
    return wide
