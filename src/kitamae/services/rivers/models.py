"""A gauge, and in which state its water is as far as anybody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

State = Literal["flood", "danger", "watch", "below", "doubt", "old", "silent"]
"""flood: 氾濫開始水位 or more; danger: 危険水位 or more; watch: 観測開始水位 or more; below: less than that;
doubt: the last report is not believed; old: it is too old to say anything of now; silent: there never was one. None of the last
three is safe.
"""


@dataclass(frozen=True, slots=True)
class Gauge:
    """Levels in metres above the gauge's own zero, None where nobody gave one. `at` in UTC, with `level`. `doubt`: why that level is
    not believed (`watch/quality.py`); "": it is, or nobody looked yet.
    """

    id: str
    code: str
    name: str
    reading: str
    municipality: str  # 全国地方公共団体コード
    level: float | None
    at: datetime | None
    start: float | None
    danger: float | None
    flood: float | None
    longitude: float | None = None
    latitude: float | None = None
    doubt: str = ""

    @property
    def marks(self) -> list[tuple[str, float]]:
        """The thresholds that are known, lowest first: (name, metres)."""
        named = (("観測開始水位", self.start), ("危険水位", self.danger), ("氾濫開始水位", self.flood))
        return [(name, metres) for name, metres in named if metres is not None]
