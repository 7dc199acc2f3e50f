"""What is held about a person, as pages show it: days as days, nothing of the city's own machinery."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import proposal
from kitamae.kernel.people.consent.consents import RECORD as CONSENT
from kitamae.kernel.people.delegates.records import KIND as MANDATE
from kitamae.kernel.people.requests.requests import PROPOSAL
from kitamae.kernel.people.vault import CONSENTS
from kitamae.kernel.people.watching.flags import FLAG
from kitamae.kernel.problems import BadRequest
from kitamae.web import edits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.people.vault import Record

_LONGEST: Final = 200
"""Characters of a value that a page shows."""
_DAYS: Final = frozenset({"birth_date", "received_on", "due"})
_STEP: Final = frozenset({"at", "by", "step", "salt", "leaf", "event", "flag", "told", "number"})
_MACHINERY: Final = {
    "requests": _STEP | {"capacity"},
    "watching": _STEP,
    "contact": frozenset({"code", "until", "tries", "event", "at", "number", "salt"}),
    "delivery": _STEP,
    CONSENTS: frozenset({"at", "notice", "number", "purpose", "salt", "until"}),
}
"""Class -> fields by which the city finds its own rows again and proves them. They are in the file that one takes along."""
_CLASSES: Final = {FLAG: "watching", "mail": "contact", "notice": "delivery"}
"""Kind -> the class of the records that the platform itself keeps."""


def told(record: Record) -> dict[str, Any]:
    """Field -> what a page shows of it, a day or a text, or the rows of a proposal; `templates/personal.html` says both in words."""
    return {
        name: _shown(name, record.fields[name])
        for name in read(record.klass, record.fields)
        if record.fields[name] not in (None, "")
    }


def _shown(name: str, value: object) -> object:
    if name == PROPOSAL:
        try:
            return edits.lines(proposal.opened(str(value)))
        except BadRequest:  # a program wrote something else there
            return [{"field": name, "was": None, "now": _said(value)}]
    return _day(value) if name in _DAYS else _said(value)


def corrected(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What stood in them before others corrected it, newest first."""
    found = [
        {
            "at": clock.text(past.at), "number": past.number, "added": past.added,
            "fields": {name: _said(value) for name, value in past.fields.items()},
        }
        for one in records
        for past in one.former
    ]  # fmt: skip
    return sorted(found, key=lambda past: -past["number"])


def looked(fields: Mapping[str, Iterable[str]]) -> list[str]:
    """Of what a look shows (kind of record -> its fields) that which tells a person something, as `templates/personal.html` says it."""
    said: set[str] = set()
    for kind, names in fields.items():
        if kind in (CONSENT, MANDATE):
            said.add(kind)
        else:
            said.update(
                read("requests" if kind.startswith(("case:", "order:")) else _CLASSES.get(kind, kind), names)
            )
    return sorted(said)


def read(klass: str, names: Iterable[str]) -> list[str]:
    """Of the fields of a record those that tell a person something: salts and the numbers of the ledger are in the file."""
    return sorted(name for name in names if name not in _MACHINERY.get(klass, ()))


def _day(value: object) -> date | str:
    """A day, where it is written as one."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return _said(value)


def _said(value: object) -> str:
    text = value if isinstance(value, str) else commitment.canonical(_exact(value)).decode()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _exact(value: Any) -> Any:
    """Numbers with a fraction as texts: only shown."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    return [_exact(one) for one in value] if isinstance(value, list) else value
