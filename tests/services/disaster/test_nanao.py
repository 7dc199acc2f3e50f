"""七尾市, January to August 2024: 117 snapshots of real shelters, as their keepers and the town hall would have sent them.

The whole city lives in those months: its clock says when. Expected figures come from the files themselves, by other code than the city's.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from sheltering import entity, keeper, opened, register, report, staff, update

from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.services.disaster import pages
from serving import Served, serving
from signing_in import outside

JST = timezone(timedelta(hours=9))
ISHIZAKI = "石崎小学校"
UNDESIGNATED = {"寄合い処みそぎ", "白南風", "秀楽苑"}


class Snapshots:
    """(moment, {ID: people}) in order; each place's row by ID; for how many each designated shelter has room indoors."""

    def __init__(self, folder: Path) -> None:
        self.taken: list[tuple[datetime, dict[str, int]]] = []
        for file in sorted((folder / "history").glob("*.csv")):
            stamp = re.search(r"\d{4}-\d\d-\d\d-\d{4}", file.name)
            assert stamp
            at = datetime.strptime(stamp[0], "%Y-%m-%d-%H%M").replace(tzinfo=JST)
            with file.open(encoding="utf-8-sig", newline="") as lines:
                rows = list(csv.DictReader(lines))
            (column,) = [name for name in rows[0] if name.startswith("人数")]
            self.taken.append((at, {row["ID"]: int(float(row[column])) for row in rows}))
        with (folder / "reference_data.csv").open(encoding="utf-8-sig", newline="") as lines:
            self.reference = {row["ID"]: row for row in csv.DictReader(lines)}
        self.room = {
            id: int(re.sub(r".*屋内([\d,]+)人.*", r"\1", row["想定収容人数"]).replace(",", ""))
            for id, row in self.reference.items()
            if "屋内" in row["想定収容人数"]
        }


@pytest.fixture
def snapshots(shared: Path) -> Snapshots:
    return Snapshots(shared / "data" / "nanao")


@pytest.fixture
def then(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The city's clock: set `at`."""
    now = SimpleNamespace(at=datetime(2024, 1, 9, 12, tzinfo=JST))
    told = SimpleNamespace(time_ns=lambda: int(now.at.timestamp()) * 1_000_000_000)
    monkeypatch.setattr(clock, "time", told)

    class Then(datetime):
        """What the page for everybody takes for now."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now.at.timestamp(), tz)

    monkeypatch.setattr(pages, "datetime", Then)
    return now


@pytest.fixture
async def nanao(tmp_path: Path, then: SimpleNamespace) -> AsyncIterator[Served]:
    city = bare(tmp_path / "city")
    profile = (
        (city / "city.toml").read_text("utf-8").replace('"172065"', '"172022"').replace('"17206"', '"17202"')
    )
    (city / "city.toml").write_text(profile, "utf-8")
    async with serving(tmp_path / "data", city=city) as served:
        await served.loaded()
        yield served


def figures(page: str) -> tuple[int, int]:
    """(open shelters, people) as the page says them."""
    open = re.search(r"開いている避難所：(\d+)か所", page)
    people = re.search(r"避難している人：(\d+)人", page)
    return (int(open[1]) if open else 0, int(people[1]) if people else 0)


def cards(page: str) -> dict[str, str]:
    """Each shelter's part of the page, by the entity's id."""
    found = re.findall(r'<li class="place" id="[^"]*EvacuationShelter.*?</li>', page, re.S)
    links = [re.search(r'href="/entity/([^"]+)"', one) for one in found]
    return {link[1]: one for link, one in zip(links, found, strict=True) if link}


async def place(served: Served, snapshots: Snapshots, number: str) -> str:
    """Its id: designated ones are registered, the others the desk opens on the day on which they are needed."""
    name = snapshots.reference[number]["名称"]
    if name not in UNDESIGNATED:
        return f"urn:ngsi-ld:EvacuationShelter:172022:{number}"
    await staff(served)
    made = await opened(served, name)
    assert made.status_code == 303, made.text
    return str(made.headers["location"].partition("?")[0].rpartition("/")[2])


async def test_the_snapshots_of_nanao_replayed_as_its_keepers_would_have_sent_them(
    nanao: Served, snapshots: Snapshots, then: SimpleNamespace
) -> None:
    assert len(snapshots.taken) == 117
    names = {number: row["名称"] for number, row in snapshots.reference.items()}
    designated = {number for number, name in names.items() if name not in UNDESIGNATED}
    await register(
        nanao,
        *[
            entity(
                f"urn:ngsi-ld:EvacuationShelter:172022:{number}", names[number],
                想定収容人数=snapshots.reference[number]["想定収容人数"],
            )
            for number in sorted(designated)
        ],
    )  # fmt: skip
    ids: dict[str, str] = {}
    links: dict[str, str] = {}
    before: set[str] = set()
    series: dict[str, list[int]] = defaultdict(list)
    flagged: dict[str, int] = defaultdict(int)
    for taken, (at, people) in enumerate(snapshots.taken):
        then.at = at
        for one in people.keys() - ids.keys():
            ids[one] = await place(nanao, snapshots, one)
            links[one] = await keeper(nanao, ids[one], hours=24 * 366)
        then.at = at + timedelta(minutes=1)
        for one, count in people.items():
            values: dict[str, Any] = {"避難者数": count} | ({} if one in before else {"開設状況": "開設"})
            (said,) = await report(nanao, links[one], update(f"snapshot-{taken}", **values))
            assert said["status"] == 200, said
            series[one].append(count)
        for one in before - people.keys():
            (said,) = await report(nanao, links[one], update(f"snapshot-{taken}", 開設状況="閉鎖"))
            assert said["status"] == 200, said
        before = set(people)

        page = (await outside(nanao, "GET", "/disaster?lang=ja")).text
        assert figures(page) == (len(people), sum(people.values())), at
        shown = cards(page)
        assert shown.keys() == {ids[one] for one in people}, at
        over = {one for one, count in people.items() if one in designated and count > snapshots.room[one]}
        told = {id for id, card in shown.items() if "入れる人数をこえています" in card}
        assert told == {ids[one] for one in over}, at
        for one in over:
            flagged[names[one]] += 1
        marked = {id for id, card in shown.items() if "指定されていない避難所" in card}
        assert marked == {ids[one] for one in people.keys() - designated}, at

    assert flagged[ISHIZAKI] > 0
    assert {names[one] for one in ids.keys() - designated} == UNDESIGNATED
    for one, id in ids.items():
        path = f"/ngsi-ld/v1/temporal/entities/{id}?options=temporalValues&attrs=避難者数&lastN=200"
        history = (await outside(nanao, "GET", path)).json()
        assert [value for value, _ in history["避難者数"]["values"]] == series[one], names[one]
    print(f"{sum(map(len, series.values()))} reports, over: {dict(flagged)}")
