"""Why something that was sent is not taken, in a word that a template says in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.problems import Problem

_FIELDS: Final = (
    "sort", "name", "role", "contact", "about", "corporate", "label", "purpose", "writes", "days", "why", "title", "what", "severity",
    "found_at",
)  # fmt: skip


def refused(problem: Problem) -> str:
    """`my-number`, the name of the field that is wrong, `wrong`, or `changed` where it is not any more as it was shown."""
    if isinstance(problem, HoldsMyNumber):
        return "my-number"
    if not isinstance(problem, BadRequest):
        return "changed"
    field = (problem.detail or "").partition(":")[0].partition(",")[0]
    return field if field in _FIELDS else "wrong"
