"""What is kept of a consent where the policy looks: one document per person, by opaque reference.

`agreement` by the person's reference: purpose -> {state, version, language, at, until, by, events}. Times are RFC 3339 UTC.
The words that were agreed to, and what proves the entries of the ledger, are in the vault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypedDict, cast

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

KIND: Final = "agreement"
"""`consent` is what somebody allowed a partner to know (`kernel/people/provider`)."""

State = Literal["given", "withdrawn", "expired"]


class Agreement(TypedDict):
    """`version`, `language`: of the notice that was read. `until`: when it ends by itself. `by`: the reference
    of whoever did it last: the person, who was at the counter for him, or `system`. `events`: how many there were.
    """

    state: State
    version: str
    language: str
    at: str
    until: str
    by: str
    events: int


def read(doc: Json | None) -> dict[str, Agreement]:
    """All of one person, by purpose."""
    return dict(cast("dict[str, Agreement]", doc or {}))
