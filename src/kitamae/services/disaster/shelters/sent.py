"""What the desk's forms send, checked: a count, a new place, what is known of a place."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING, Any

from kitamae.sdk import days
from kitamae.sdk.problems import BadRequest
from kitamae.sdk.typed import LONGEST, line, number, position
from kitamae.services.disaster.shelters.shelter import (
    AGREED,
    NATURE,
    NEEDS,
    OPEN,
    PARTNER,
    PEOPLE,
    SPACES,
    STATUS,
    TYPE,
    UNDESIGNATED,
    UNTIL,
    needing,
    people_in,
    room_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.sdk.sheltering import Sheltering


def counted(form: Mapping[str, str], rules: Sheltering) -> tuple[dict[str, int], dict[str, int]]:
    """How many people, in all and by space, and by need: what was filled in. Raises BadRequest, and for nothing at all too."""
    names = [PEOPLE, *map(people_in, SPACES), *map(needing, NEEDS)]
    values = {
        name: number(form.get(name, ""), name, rules.most) for name in names if form.get(name, "").strip()
    }
    if not values:
        raise BadRequest("this must be filled in: how many people are there")
    whole = values.get(PEOPLE)
    for name, value in values.items():
        if whole is not None and value > whole:
            raise BadRequest(
                f"{name}: expected a whole number from 0 to {whole}, got {value}: more than there are in all"
            )
    notes = {name: values.pop(name) for name in map(needing, NEEDS) if name in values}
    return values, notes


def place(
    form: Mapping[str, str], city: str, rules: Sheltering
) -> tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]:
    """(id, values, facts, notes) of a place that is opened though nobody ever designated it. `city`: 全国地方公共団体コード.

    Its id comes from its name, so that two who open it at once open one. Raises BadRequest.
    """
    name = unicodedata.normalize("NFKC", form.get("name", "")).strip()
    if not 0 < len(name) <= LONGEST:
        raise BadRequest(f"this must be filled in: its name, of at most {LONGEST} letters")
    key = hashlib.sha256("".join(name.split()).casefold().encode()).hexdigest()[:16]
    described_, agreed = described(form, rules)
    facts = {what: value for what, value in {"名称": name, **described_}.items() if value is not None}
    notes = {what: value for what, value in agreed.items() if value is not None}
    facts[NATURE] = AGREED if PARTNER in notes else UNDESIGNATED
    values: dict[str, Any] = {STATUS: OPEN}
    if form.get(PEOPLE, "").strip():
        values[PEOPLE] = number(form[PEOPLE], PEOPLE, rules.most)
    return f"urn:ngsi-ld:{TYPE}:{city}:own-{key}", values, facts, notes


def described(form: Mapping[str, str], rules: Sheltering) -> tuple[dict[str, Any], dict[str, Any]]:
    """What holds until somebody changes it: rooms, address, position; and the agreement, for the desk. None for what was left empty.

    Raises BadRequest.
    """
    facts: dict[str, Any] = {}
    notes: dict[str, Any] = {}
    for name in map(room_in, SPACES):
        if name in form:
            facts[name] = number(form[name], name, rules.most) if form[name].strip() else None
    if "住所" in form:
        facts["住所"] = line(form["住所"], "住所")
    if PARTNER in form:
        notes[PARTNER] = line(form[PARTNER], PARTNER)
    if UNTIL in form:
        notes[UNTIL] = days.read(UNTIL, form[UNTIL]).isoformat() if form[UNTIL].strip() else None
    if form.get("position", "").strip():
        facts["location"] = {"type": "Point", "coordinates": list(position(form["position"]))}
    return facts, notes
