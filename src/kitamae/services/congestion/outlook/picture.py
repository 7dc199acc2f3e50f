"""The coming week, or one of its days, as a chart: what is usual as a line, the forecast as points in their range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.services.congestion.outlook.forecast import Expected
    from kitamae.services.congestion.outlook.usual import Slot

_WORDS: Final = {
    "ja": ("人数（人）", "時", "日", "ふだん", "見通し"),
    "ja_Hira": ("ひとの かず", "じ", "ひ", "ふだん", "みとおし"),
    "en": ("People", "Hour", "Day", "Usual", "Forecast"),
    "zh": ("人数（人）", "时", "日", "平时", "预测"),
    "ko": ("사람 수(명)", "시", "날짜", "평소", "전망"),
}
_USUAL, _FORECAST = "#626264", "#00428c"


def spec(
    coming: Sequence[tuple[Slot, Expected]], language: str, least: int, *, narrow: bool = False
) -> dict[str, Any]:
    """Vega-Lite. `coming`: all of one day by its hours, or of several by day. What is under `least` is drawn at it: less is not said."""
    people, hour, day, usual, forecast = _WORDS.get(language, _WORDS["ja"])
    by_hour = len({when[0] for when, _ in coming}) == 1 and any(when[1] for when, _ in coming)
    rows = [
        {
            "at": when[1] if by_hour else f"{when[0].month}/{when[0].day}",
            **{
                name: max(least, round(value))
                for name, value in (("usual", what.usual), ("low", what.low), ("middle", what.middle), ("high", what.high))
                if value is not None
            },
        }
        for when, what in coming
    ]  # fmt: skip
    x = {"field": "at", "type": "ordinal", "sort": None, "title": hour if by_hour else day, "axis": {"labelAngle": 0, "labelOverlap": True}}  # fmt: skip
    y = {"type": "quantitative", "title": people, "scale": {"zero": True, "nice": True}}
    colour = {"scale": {"domain": [usual, forecast], "range": [_USUAL, _FORECAST]}, "legend": {"orient": "bottom", "title": None}}  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 215 if narrow else 640,
        "height": 280,
        "background": "white",
        "padding": 8 if narrow else 12,
        "config": {"font": "sans-serif", "axis": {"labelFontSize": 13, "titleFontSize": 13, "labelColor": "#1a1a1a", "titleColor": "#1a1a1a"}, "legend": {"labelFontSize": 13}},
        "data": {"values": rows},
        "encoding": {"x": x},
        "layer": [
            {"transform": [{"filter": "isValid(datum.low)"}], "mark": {"type": "rule", "strokeWidth": 6, "opacity": 0.35, "color": _FORECAST}, "encoding": {"y": {"field": "low", **y}, "y2": {"field": "high"}}},
            {"transform": [{"filter": "isValid(datum.usual)"}], "mark": {"type": "line", "strokeDash": [6, 4], "point": True}, "encoding": {"y": {"field": "usual", **y}, "color": {"datum": usual, **colour}}},
            {"transform": [{"filter": "isValid(datum.middle)"}], "mark": {"type": "point", "filled": True, "size": 60}, "encoding": {"y": {"field": "middle", **y}, "color": {"datum": forecast, **colour}}},
        ],
    }  # fmt: skip
