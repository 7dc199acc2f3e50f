"""Charts: a Vega-Lite specification to an SVG image, on the server. Every chart has a table beside it.

The pages' content policy allows no style inside a page, so a chart is an image of its own: `<img src="…/chart.svg">`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final

import orjson

KEPT: Final = 64
"""Charts that are kept, the last used ones; one has some 20 kB."""

_kept: OrderedDict[bytes, bytes] = OrderedDict()
_one_at_a_time = asyncio.Semaphore(1)


async def svg(spec: dict[str, Any]) -> bytes:
    """The image. Drawn in a thread, one at a time, once for the same specification. Raises ValueError."""
    key = orjson.dumps(spec)
    if key not in _kept:
        async with _one_at_a_time:
            if key not in _kept:
                _kept[key] = await asyncio.to_thread(_draw, spec)
                if len(_kept) > KEPT:
                    _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def _draw(spec: dict[str, Any]) -> bytes:
    import vl_convert  # only when the first chart is asked for: it brings a whole JavaScript engine

    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version="5.20")
    return drawn.encode()
