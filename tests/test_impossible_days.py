"""Days that nobody can mean: refused where they are typed, with what was expected, and nothing is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import staffing
from bare_kaga import bare
from kitamae.kernel import days
from kitamae.kernel.people import secret
from kitamae.kernel.problems import BadRequest
from serving import SAME, Served, serving
from test_duty_at_commit import CASE, INCIDENT, MANDATE, SENSOR

AHEAD = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
CHILD = {**MANDATE, "sort": "parent", "of": "new", "new_name": "試験", "new_address": "加賀市"}
TYPED = (
    ("disaster", "/desk/incidents", INCIDENT, "found_at", (f"{AHEAD}T09:30", "0206-11-21T09:30"), "2026-01-05T09:30"),
    ("systems", "/desk/sensors/new", {**SENSOR, "state": "installed"}, "since", (AHEAD, "0206-11-21"), "2026-01-05"),
    ("systems", "/desk/sensors/new", SENSOR, "since", ("9999-12-31", "0206-11-21"), AHEAD),
    ("privacy-officer", "/staff/breaches", {"summary": "紛失"}, "learnt", (AHEAD, "0206-11-21"), "2026-01-05"),
    ("requests", "/staff/requests/new", CASE, "received_on", (AHEAD, "0206-11-21"), "2026-01-05"),
    ("counter", "/staff/people/delegations", CHILD, "new_birth_date", (AHEAD, "9999-01-01", "0206-11-21"), "2020-01-05"),
    ("disaster", "/staff/links", {"kind": "shelter-keeper", "thing": "urn:x:1", "hours": "12"}, "begins", ("2099-01-01T09:00",), None),
)  # fmt: skip


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        yield served


@pytest.mark.parametrize(("duty", "path", "form", "field", "wrong", "right"), TYPED)
async def test_a_day_that_nobody_can_mean_is_refused_with_what_was_expected(
    town: Served, duty: str, path: str, form: dict[str, str], field: str, wrong: tuple[str, ...], right: str | None
) -> None:  # fmt: skip
    ref = await town.kitamae.city.people.staff(another=True)
    await staffing.give(town, ref, duty)
    await staffing.enter(town, ref)
    await staffing.known(town, MANDATE["by"])
    csrf = secret.csrf(town.client.cookies["kitamae_session"])

    async def send(value: str) -> Any:
        return await town.client.post(path, data={"csrf": csrf, **form, field: value}, headers=SAME)

    for value in wrong:
        answer = await send(value)
        assert answer.status_code == 400, (value, answer.status_code)
        assert "expected" in answer.text or "書" in answer.text, answer.text
    if right is not None:
        answer = await send(right)
        assert answer.status_code == 303, answer.text


@given(st.dates(), st.dates(min_value=date(1950, 1, 1), max_value=date(2200, 1, 1)))
def test_what_has_happened_is_between_1900_and_today(day: date, today: date) -> None:
    if days.OLDEST <= day <= today:
        days.demand_past("day", day, today)
    else:
        with pytest.raises(BadRequest, match=str(today)):
            days.demand_past("day", day, today)
