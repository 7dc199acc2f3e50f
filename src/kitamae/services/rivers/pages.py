"""`/rivers`: every gauge, the most urgent first; `/rivers/{code}`: one gauge with its history; both without script.

With script `/rivers/events` (server-sent events) brings each gauge's new card as soon as something changed.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kitamae.sdk import chart
from kitamae.sdk.audience import Audience
from kitamae.sdk.problems import NotFound, TooManyRequests, Unavailable
from kitamae.services.rivers import logic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Container, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.sdk.context import Reading
    from kitamae.sdk.room import Room
    from kitamae.services.rivers.models import Gauge, State

MOST: Final = 10_000
"""Gauges: about as many as Japan has."""
LAST: Final = 1000
"""Readings in a chart; a gauge in flood reports every five minutes, so this is three days of it."""
IN_TABLE: Final = 100
BREATH: Final = 1.0
"""Seconds between two deliveries to one reader; what changes meanwhile is folded together."""
TICK: Final = 20.0
"""Seconds after which a reader hears at least that we are alive, and what has become old."""


def routes(room: Room) -> list[BaseRoute]:
    """Whole addresses; all of them begin with `/rivers`."""
    audience = Audience()

    async def index(request: Request) -> Response:
        gauges, now = await _gauges(room), _now()
        ours: list[tuple[Gauge, State]] = []
        others: list[tuple[Gauge, State]] = []
        for one in logic.in_order(gauges, now):
            (ours if _ours(room, one) else others).append((one, logic.state(one, now)))
        return room.page.render(
            request,
            "rivers.html",
            ours=ours,
            others=others,
            now=now,
            scale=logic.scale,
        )

    async def one(request: Request) -> Response:
        gauge, now = await _gauge(room, request), _now()
        readings = logic.levels(await room.context.history(gauge.id, logic.LEVEL, last=LAST))
        doubts = await _doubts(room, gauge, readings)
        return room.page.render(
            request,
            "river.html",
            doubts=doubts,
            rise=logic.rise(readings, doubts) if logic.fresh(gauge.at, now) else None,
            gauge=gauge,
            state=logic.state(gauge, now),
            height=logic.height(gauge),
            now=now,
            readings=readings[::-1][:IN_TABLE],
            total=len(readings),
            limit=IN_TABLE,
            scale=logic.scale,
        )

    async def picture(request: Request) -> Response:
        gauge = await _gauge(room, request)
        readings = logic.levels(await room.context.history(gauge.id, logic.LEVEL, last=LAST))
        if not readings:
            raise NotFound(f"{gauge.id} has not reported anything yet")
        narrow = "narrow" in request.query_params
        doubts = await _doubts(room, gauge, readings)
        drawn = await chart.svg(levels(gauge, readings, room.page.language(request), doubts, narrow=narrow))
        return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})

    async def events(request: Request) -> Response:
        audience.demand(request)
        return StreamingResponse(
            _stream(room, request, audience),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return [
        Route("/rivers", index),
        Route("/rivers/events", events),
        Mount("/rivers/static", StaticFiles(directory=Path(__file__).parent / "static")),
        Route("/rivers/{municipality}/{code}", one),
        Route("/rivers/{municipality}/{code}/chart.svg", picture),
    ]


async def _stream(room: Room, request: Request, audience: Audience) -> AsyncIterator[bytes]:
    """Cards of gauges that changed, or whose state changed because time went by."""
    try:
        # the seat before anything is looked up, or a reader who leaves meanwhile would keep it
        with audience.seat(request):
            async with aclosing(_cards(room, request)) as cards:
                async for part in cards:
                    yield part
    except (Unavailable, TooManyRequests):  # a crowd that came in one moment
        yield b"retry: 60000\n\n"


async def _cards(room: Room, request: Request) -> AsyncGenerator[bytes]:
    with room.changes.follow("RiverGauge", tenant=room.city.tenant if room.city else "") as following:
        now = _now()
        shown = {gauge.id: (logic.state(gauge, now), gauge.at) for gauge in await _gauges(room)}
        yield b"retry: 5000\n: welcome\n\n"
        while True:
            try:
                async with asyncio.timeout(
                    TICK
                ):  # `wait_for` loses a cancellation that comes with the change
                    changed = await following.next()
            except TimeoutError:
                changed = []
                yield b": still here\n\n"
            now = _now()
            aged = [id for id, (state, at) in shown.items() if (state == "old") == logic.fresh(at, now)]
            for id in dict.fromkeys((*changed, *aged)):
                entity = await room.context.full(id)
                if entity is None:
                    shown.pop(id, None)
                    continue
                gauge = logic.gauge(entity)
                shown[id] = (logic.state(gauge, now), gauge.at)
                yield _event(room, request, gauge, shown[id][0])
            await asyncio.sleep(BREATH)


def _event(room: Room, request: Request, gauge: Gauge, state: State) -> bytes:
    card = room.page.render(
        request,
        "card.html",
        gauge=gauge,
        state=state,
        scale=logic.scale,
        heading=2 if _ours(room, gauge) else 3,
    )
    told = {"id": anchor(gauge), "html": bytes(card.body).decode()}
    return f"event: gauge\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


async def _gauges(room: Room) -> list[Gauge]:
    return [logic.gauge(one) for one in await room.context.find(["RiverGauge"], limit=MOST, full=True)]


async def _gauge(room: Room, request: Request) -> Gauge:
    urn = f"urn:ngsi-ld:RiverGauge:{request.path_params['municipality']}:{request.path_params['code']}"
    entity = await room.context.full(urn)
    if entity is None:
        raise NotFound(f"there is no gauge {urn}")
    return logic.gauge(entity)


async def _doubts(room: Room, gauge: Gauge, readings: Sequence[Reading]) -> dict[datetime, str]:
    """Which of these readings are not believed, by their time, and why."""
    if not readings:
        return {}
    verdicts = await room.context.history(gauge.id, logic.VERDICT, last=None, since=readings[0].at)
    return {one.at: str(one.value) for one in verdicts if one.value != logic.FINE}


def _ours(room: Room, gauge: Gauge) -> bool:
    return room.city is None or gauge.municipality == room.city.code


def _now() -> datetime:
    return datetime.now(UTC)


def anchor(gauge: Gauge) -> str:
    """The card's id on the page."""
    return f"gauge-{gauge.municipality}-{gauge.code}"


_WORDS: Final = {
    "ja": ("水位（m）", "日時", {}),
    "ja_Hira": (
        "みずの たかさ（m）",
        "とき",
        {
            "観測開始水位": "はかりはじめる たかさ",
            "危険水位": "あぶない たかさ",
            "氾濫開始水位": "あふれはじめる たかさ",
        },
    ),
    "en": (
        "Level (m)",
        "Time",
        {"観測開始水位": "Starts to report", "危険水位": "Dangerous", "氾濫開始水位": "Starts to overflow"},
    ),
    "zh": (
        "水位（m）",
        "时间",
        {"観測開始水位": "开始观测水位", "危険水位": "危险水位", "氾濫開始水位": "开始泛滥水位"},
    ),
    "ko": (
        "수위(m)",
        "일시",
        {"観測開始水位": "관측 시작 수위", "危険水位": "위험 수위", "氾濫開始水位": "범람 시작 수위"},
    ),
}
_COLOURS: Final = {"観測開始水位": "#626264", "危険水位": "#8b3200", "氾濫開始水位": "#a90000"}
_GAP: Final = timedelta(hours=1)


def levels(
    gauge: Gauge,
    readings: list[Reading],
    language: str,
    doubts: Container[datetime] = (),
    *,
    narrow: bool = False,
) -> dict[str, Any]:
    """A line of the levels over time in Japan's time, a rule for each threshold; broken where nothing was reported. What is not
    believed is a cross beside the line, at the edge where it lies beyond.

    `narrow`: as wide as a phone, so that its words are as large as the page's.
    """
    level, when, names = _WORDS.get(language, _WORDS["ja"])
    rows: list[dict[str, Any]] = []
    crosses: list[dict[str, Any]] = []
    part, before = 0, None
    for one in readings:
        local = one.at.astimezone(UTC) + timedelta(
            hours=9
        )  # written as UTC so that no machine's zone matters
        row = {"at": local.strftime("%Y-%m-%dT%H:%M:%SZ"), "level": one.value}
        if one.at in doubts:
            crosses.append(row)
            continue
        if before is not None and one.at - before > _GAP:
            part += 1
        before = one.at
        rows.append({**row, "part": part})
    ends = [*logic.scale(replace(gauge, level=None)), *(row["level"] for row in rows)]
    low, high = min(ends), max(ends)
    for row in crosses:  # at the edge, where the value lies beyond: the table has it as it was reported
        row["level"] = min(max(row["level"], low), high)
    x = {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc"},
        "title": when,
        "axis": {
            "format": _clock(readings),
            "labelOverlap": True,
            "grid": False,
            "tickCount": 3 if narrow else 8,
        },
    }
    y = {
        "field": "level",
        "type": "quantitative",
        "title": level,
        "scale": {"domain": [low, high], "nice": True},
    }
    rules: list[dict[str, Any]] = [
        {
            "data": {"values": [{"level": metres, "name": f"{names.get(name, name)} {metres:g}"}]},
            "encoding": {"y": y},
            "layer": [
                {"mark": {"type": "rule", "strokeDash": [6, 4], "strokeWidth": 2, "color": _COLOURS[name]}},
                {
                    "mark": {"type": "text", "align": "left", **_beside(name), "color": _COLOURS[name], "fontSize": 13},
                    "encoding": {"text": {"field": "name"}, "x": {"value": 4}},
                },
            ],
        }
        for name, metres in gauge.marks
    ]  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 215 if narrow else 640,
        "height": 320,
        "background": "white",
        "padding": 8 if narrow else 12,
        "config": {
            "font": "sans-serif",
            "axis": {
                "labelFontSize": 13,
                "titleFontSize": 13,
                "labelColor": "#1a1a1a",
                "titleColor": "#1a1a1a",
            },
        },
        "layer": [
            {
                "data": {"values": rows},
                "encoding": {"x": x, "y": y, "detail": {"field": "part", "type": "nominal"}},
                "layer": [
                    {"mark": {"type": "line", "color": "#00428c", "strokeWidth": 2.5}},
                    {"mark": {"type": "point", "color": "#00428c", "filled": True, "size": 18}},
                ],
            },
            {
                "data": {"values": crosses},
                "encoding": {"x": x, "y": y},
                "mark": {"type": "point", "shape": "cross", "color": "#a90000", "filled": True, "size": 60, "angle": 45},
            },
            *rules,
        ],
    }  # fmt: skip


def _clock(readings: list[Reading]) -> str:
    """How the time axis tells its time: hours within three days, else days, with the year where there are several."""
    if readings[-1].at - readings[0].at <= timedelta(days=3):
        return "%-m/%-d %H:%M"
    return "%-m/%-d" if readings[-1].at - readings[0].at <= timedelta(days=180) else "%Y/%-m"


def _beside(mark: str) -> dict[str, Any]:
    """Above its rule; the lowest one below, because what is reported lies above it."""
    return {"baseline": "top", "dy": 4} if mark == "観測開始水位" else {"baseline": "bottom", "dy": -3}
