"""Distances on a sphere: within 0.5 % of the ellipsoid's."""

from __future__ import annotations

import math
from typing import Final

_EARTH: Final = 6_371_008.8  # metres: mean radius (IUGG)


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two places (longitude, latitude in degrees), along the great circle."""
    (east, north), (to_east, to_north) = (map(math.radians, place) for place in (one, other))
    half = (
        math.sin((to_north - north) / 2) ** 2
        + math.cos(north) * math.cos(to_north) * math.sin((to_east - east) / 2) ** 2
    )
    return (
        2 * _EARTH * math.asin(math.sqrt(min(half, 1.0)))
    )  # opposite each other, rounding makes it more than 1
