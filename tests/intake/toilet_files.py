"""Files for tests: written to disk as bytes, read to the end."""

from __future__ import annotations

from pathlib import Path

from kitamae.intake.reading import Reading
from kitamae.intake.row import Outcome, Refusal, Taken

HEADER = "全国地方公共団体コード,ID,名称,名称_カナ,所在地_連結表記,設置位置,緯度,経度,男性トイレ総数,女性トイレ総数,車椅子使用者用トイレ有無,利用開始時間,利用終了時間,備考"


def row(id: str = "1", name: str = "中央公園", lat: str = "36.32", lon: str = "136.33", **cells: str) -> str:
    """One toilet as CSV."""
    return ",".join(
        [
            "172065",
            id,
            name,
            "チュウオウコウエン",
            "石川県加賀市山田町",
            "入口",
            lat,
            lon,
            cells.get("men", "2"),
            cells.get("women", "1"),
            cells.get("wheelchair", "有"),
            cells.get("opens", "00:00"),
            cells.get("closes", "23:59"),
            cells.get("note", ""),
        ]
    )


def read(folder: Path, content: bytes | str, name: str = "toilets.csv", **how: str) -> list[Outcome]:
    """Every outcome of a file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Reading(path, **how) as rows:
        return list(rows)


def taken(outcomes: list[Outcome]) -> list[Taken]:
    return [one for one in outcomes if isinstance(one, Taken)]


def refused(outcomes: list[Outcome]) -> list[Refusal]:
    return [one for one in outcomes if isinstance(one, Refusal)]
