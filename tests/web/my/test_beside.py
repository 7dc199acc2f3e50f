"""What is held about a person as documents is in the file that he takes along, or is left out by name."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import kitamae
import staffing
from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.colleagues import called
from kitamae.kernel.people.person import Principal
from kitamae.web.my.beside import TAKEN
from kitamae.web.my.left_out import LEFT_OUT
from serving import Served
from web.my.test_my import me, town
from web.requests.test_cases_over_http import filed

__all__ = ["town"]

NOBODY = {
    "access-log-day", "backup", "carried", "city", "doctor", "evacuation-count", "health", "identity", "incident-count", "letters", "logouts",
    "announcement", "announcement-again", "announcement-due", "announcement-open", "announcing", "feed", "feed-heard", "feed-hub", "feed-refused",
    "feed-taken", "feed-wanted", "subscribers", "subscribers-new",
    "pia-comment", "provider", "provider-minute", "registers", "sealed", "sensors-loaded", "sheltered-count", "swept", "token",
}  # fmt: skip
"""Kinds of the city's own in which nobody's reference stands."""
ANY = {
    "kitamae.kernel.people.access_log.log:kind": "access-log",
    "kitamae.kernel.people.access_log.log:kind_of(day, kind)": "access-log",
    "kitamae.kernel.people.links.using:USES + number": "link-use",
    "kitamae.kernel.registers.register:self.kind": "register",
    "kitamae.kernel.registers.register:kind": "incident-count",  # and `evacuation-count`
    "kitamae.sdk.writing:self._acted(act.entity)": "desk-act",
    "kitamae.sdk.writing:self._acted(entity)": "desk-act",
    "kitamae.sdk.writing:self._noted": "desk-note",
    "kitamae.kernel.people.waiting:self._kind": "letter",  # and `logout`, which `provider/owing.py` writes itself
    "kitamae.kernel.people.waiting:self._count": "letters",
    "kitamae.kernel.registers.papers:_BEGUN[origin]": "registers",
    # what is written again as it was read, of kinds that others write
    "kitamae.kernel.people.ended:kind": "revoked",
    "kitamae.kernel.people.providers.forgetting:kind": "contract",
    "kitamae.kernel.people.retention:kind": "case",
}
"""Where the kind is no word of its module."""


def written() -> dict[str, set[str]]:
    """Kind -> by which modules documents of it are written that belong to the city, and to none of its data tenants."""
    root, found = Path(kitamae.__file__).parent, dict[str, set[str]]()
    for path in root.rglob("*.py"):
        module = ".".join((kitamae.__name__, *path.relative_to(root).with_suffix("").parts))
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            match call:
                case ast.Call(func=ast.Attribute(attr="put"), args=[tenant, kind, *_]):
                    if ast.unparse(tenant) in ("TENANT", "''"):
                        found.setdefault(_word(module, kind), set()).add(module)
    return found


def _word(module: str, kind: ast.expr) -> str:
    text = ast.unparse(kind.value if isinstance(kind, ast.Starred) else kind)
    if f"{module}:{text}" in ANY:
        return ANY[f"{module}:{text}"]
    try:
        word: Any = eval(text, dict(vars(importlib.import_module(module))))  # a constant of that module
    except NameError:
        raise AssertionError(
            f"{module} writes documents of {text}: say in ANY of which kind they are"
        ) from None
    return word if isinstance(word, str) else word[0]


def test_every_kind_of_document_is_in_the_file_or_left_out_with_a_reason() -> None:
    found = written()
    known = {*TAKEN, *LEFT_OUT, *NOBODY}
    assert found.keys() - known == set(), "whose references stand in it? Take it along, or say why not"
    assert not TAKEN.keys() & LEFT_OUT.keys()
    assert all(len(why["en"]) > 20 and len(why["ja"]) > 10 for why in LEFT_OUT.values())


async def test_a_resident_takes_along_what_stands_about_him_in_documents(town: Served) -> None:
    person, at = await me(town), "2026-11-01T00:00:00Z"
    number = await filed(town, kind="question", text="だれが見ましたか。")
    said: Any = {
        "number": "p-1",
        "sort": "group",
        "name": "みまもりの会",
        "members": [person, "visitor-x"],
        "ledger": [],
    }
    told: list[str] = []

    async def work(tx: Any) -> None:
        await tx.put("", "client", "bus", {"id": "bus", "name": "ばす"})
        for ref in (person, "visitor-x"):
            await tx.put(
                "",
                "consent",
                f"{ref}-bus",
                {"person": ref, "client": "bus", "scope": "openid", "subject": ref[-3:], "at": at},
            )
        await tx.put("", "city-provider", "p-1", said)
        await tx.put("", "provider-of", person, ["p-1"])
        what, now = notices.What("consent", "notices"), clock.now()
        told.append(await notices.owe(tx, person, what, now, looks=[4711]))
        await notices.owe(tx, person, what, now, now + 86_400_000_000)

    await town.kitamae.city.store.transact(work)
    file = (await town.client.get("/my/export")).json()
    (partner,) = file["partners"]
    assert (partner["name"], partner["scope"], partner["at"]) == ("ばす", "openid", at)
    assert [one["name"] for one in file["providers"]] == ["みまもりの会"]
    assert "visitor-x" not in str(file), "nor who else belongs to it"
    assert [(one["number"], one["kind"], one["state"]) for one in file["cases"]] == [
        (number, "question", "received")
    ]
    assert [one["number"] for one in file["notices"]] == told[:1], "none that is held back"
    assert "4711" not in str(file["notices"]), "one of these looks may still be withheld"
    assert len(file["sessions"]) == 1
    assert file.keys() >= set(TAKEN.values()) - {"duties", "transfers", "emergencies"}
    assert "emergencies" not in file
    assert sorted(kind for one in file["leftOut"] for kind in one["kinds"]) == sorted(LEFT_OUT)
    assert all(one["why"]["ja"] and one["why"]["en"] for one in file["leftOut"])
    await me(town, "test-2")
    other = (await town.client.get("/my/export")).json()
    assert [other[name] for name in ("partners", "providers", "cases", "notices")] == [[], [], [], []]


async def test_a_member_of_staff_takes_along_name_office_duties_and_emergencies(town: Served) -> None:
    people = town.kitamae.city.people
    await people.staff()
    staff = await people.staff(another=True, called=called("窓口 花子", "市民課"))
    other = await people.staff(another=True, called=called("窓口 次郎", "税務課"))
    await staffing.give(town, staff, "counter")
    await staffing.give(town, other, "counter")
    who = Principal(staff, "staff", assurance=2, session="x")
    emergencies = town.kitamae.city.ways.emergencies
    await emergencies.take(who, emergencies.offered[0], "大雨で避難所をひらくため", 1)
    await staffing.enter(town, staff)
    file = (await town.client.get("/my/export")).json()
    (account,) = file["account"]
    assert (account["name"], account["section"], account["role"]) == ("窓口 花子", "市民課", "staff")
    assert [(one["duty"], one["gives"]) for one in file["duties"]] == [("counter", True)]
    assert [one["steps"][0]["duty"] for one in file["transfers"]] == ["counter"]
    (emergency,) = file["emergencies"]
    assert emergency["why"] == "大雨で避難所をひらくため"
    assert other not in str(file)
