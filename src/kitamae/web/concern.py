"""A flag that was released, as the person sees it: on a page, as JSON, and in the file that he takes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from kitamae.kernel.people.watching.flags import Concern

ABOUT: Final = {
    "no-consent": "consent", "off-purpose": "purpose", "new-purpose": "purpose", "off-hours": "hours", "returns": "again",
    "crowd": "crowd", "volume": "many", "pace": "many", "sequence": "many", "drift": "many",
}  # fmt: skip
"""What a person is told of a reason. That somebody of one's own looked is told as `other`: the sentence must not say who."""


def told(concern: Concern) -> dict[str, Any]:
    """As the person sees it: when, by whom (as in the receipts), for what purpose, and what was odd about it."""
    about = list(dict.fromkeys(ABOUT.get(kind, "other") for kind in concern.kinds))
    return {
        "id": concern.id,
        "day": concern.day,
        "who": concern.who,
        "about": about,
        "looks": [
            {"number": one.number, "at": clock.text(one.at), "purpose": one.purpose} for one in concern.looks
        ],
    }
