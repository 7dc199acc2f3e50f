"""Whoever loses his duty, or his session, between the door and the commit has done nothing: at every desk, and in the vault."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import staffing
from bare_kaga import bare
from kitamae.kernel.people import secret
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.vault import Asked, Ordered
from kitamae.kernel.problems import Forbidden, NotSignedIn
from serving import SAME, Served, serving

MANDATE = {
    "of": "resident-1", "by": "resident-2", "sort": "guardian", "action": "read", "class": "*", "document": "登記事項証明書",
}  # fmt: skip
INCIDENT = {"title": "停電", "what": "停電した", "severity": "low", "found_at": "2026-01-05T09:30"}
CASE = {"kind": "complaint", "capacity": "self", "text": "苦情です", "name": "加賀 太郎", "contact": "電話"}
SENSOR = {"id": "gauge-1", "state": "planned", "name_ja": "水位計", "kind": "sensor"}
DESKS = (
    ("counter", "/staff/people/delegations", MANDATE, "mandate"),
    ("disaster", "/desk/incidents", INCIDENT, "register-incidents"),
    ("systems", "/desk/sensors/new", SENSOR, "register-sensors"),
    ("privacy-officer", "/staff/breaches", {"learnt": "2026-01-05", "summary": "紛失"}, "breach"),
    ("requests", "/staff/requests/new", CASE, "case"),
)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        yield served


async def colleague(town: Served, *duties: str) -> str:
    await town.kitamae.city.people.staff()  # the first account, which does everything
    ref = await town.kitamae.city.people.staff(another=True)
    await staffing.give(town, ref, *duties)
    await staffing.enter(town, ref)
    return ref


def meanwhile(town: Served, monkeypatch: pytest.MonkeyPatch, do: Callable[[], Awaitable[Any]]) -> None:
    """When the door has let him in, and before anything of his is committed."""
    store = town.kitamae.city.store
    transact = store.transact

    async def late(work: Any) -> Any:
        monkeypatch.setattr(store, "transact", transact)
        await do()
        return await transact(work)

    monkeypatch.setattr(store, "transact", late)


async def kept(town: Served) -> dict[str, int]:
    kinds = {kind for *_, kind in DESKS} | {"incident-count"}
    return {kind: len(await town.kitamae.city.store.documents("", kind)) for kind in kinds}


@pytest.mark.parametrize(("duty", "path", "form", "kind"), DESKS)
@pytest.mark.parametrize("how", ["taken", "out", "none"])
async def test_what_a_desk_does_is_done_by_whoever_still_has_it(
    town: Served,
    monkeypatch: pytest.MonkeyPatch,
    duty: str,
    path: str,
    form: dict[str, str],
    kind: str,
    how: str,
) -> None:
    ref = await colleague(town, duty)
    await staffing.known(town, MANDATE["of"], MANDATE["by"])
    people, office = town.kitamae.city.people, town.kitamae.city.ways.office
    page = await town.client.get(f"{path}?kind={form.get('kind', '')}")
    assert page.status_code == 200, page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf

    async def lose() -> None:
        if how == "taken":
            await office.prepare(SYSTEM, "taken", [step(ref, duty, gives=False)])
        else:
            await people.end_sessions(ref)

    before = await kept(town)
    if how != "none":
        meanwhile(town, monkeypatch, lose)
    answer = await town.client.post(path, data={"csrf": csrf[1], **form}, headers=SAME)
    if how == "none":
        assert answer.status_code == 303, answer.text
        assert (await kept(town)) != before
    else:
        assert answer.status_code == (403 if how == "taken" else 401), answer.text
        assert await kept(town) == before


@pytest.mark.parametrize("how", ["taken", "out"])
async def test_what_is_read_kept_and_erased_in_the_vault_is_by_whoever_still_may(
    town: Served, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ref = await colleague(town, "counter")
    people, office, vault = town.kitamae.city.people, town.kitamae.city.ways.office, town.kitamae.city.vault
    who = await people.who(secret.digest(town.client.cookies["kitamae_session"]))
    person = "person-1"
    await vault.keep(SYSTEM, person, "identity", "resident", {"name": "加賀 太郎"})
    assert await vault.read(Asked(who, "identity", (person,)))

    async def lose() -> None:
        if how == "taken":
            await office.prepare(SYSTEM, "taken", [step(ref, "counter", gives=False)])
        else:
            await people.end_sessions(ref)

    async def decided(tx: object, upto: int) -> None:
        raise AssertionError("nobody decides any more")

    expected = Forbidden if how == "taken" else NotSignedIn
    meanwhile(town, monkeypatch, lose)
    with pytest.raises(expected):
        await vault.read(Asked(who, "identity", (person,)))
    with pytest.raises(expected):
        await vault.find(Asked(who, "identity", ("?",)), {"name": "加賀 太郎"})
    with pytest.raises(expected):
        await vault.keep(who, person, "identity", "resident", {"name": "別の 名前"})
    with pytest.raises(expected):
        await vault.erase_for(who, person, "identity", Ordered("staff-other", {}, decided))
    await colleague(town, "counter")
    another = await people.who(secret.digest(town.client.cookies["kitamae_session"]))
    (found,) = await vault.read(Asked(another, "identity", (person,)))
    assert found.fields["name"] == "加賀 太郎"


async def test_nobody_lets_a_colleague_in_who_has_left_meanwhile(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await colleague(town, "disaster")
    other = await town.kitamae.city.people.staff(another=True)
    shown = await town.client.get("/staff")
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    assert csrf

    async def lose() -> None:
        await staffing.give(town, other, "privacy-officer")

    meanwhile(town, monkeypatch, lose)
    form = {"csrf": csrf[1], "person": other}
    answer = await town.client.post("/staff/recovery", data=form, headers=SAME)
    assert answer.status_code == 403, answer.text
    assert await town.kitamae.city.people.recovery(other) is None
    assert ref
