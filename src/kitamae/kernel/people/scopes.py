"""What a token may be cut down to: `write:EvacuationShelter`, `read:*`, `operate:system:metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from kitamae.kernel.people.policy import Action
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

_ACTIONS: Final = get_args(Action)
_OWN: Final = ("subscription", "registration", "context", "system:", "page:")
"""What the policy is asked about besides entities (see `policy.Question.what`)."""


def scope(text: str, expand: Callable[[str], str]) -> str:
    """As the policy compares it: an entity type becomes `entity:<expanded type>`. Raises BadRequest."""
    action, colon, what = text.strip().partition(":")
    if not colon or action not in _ACTIONS or not what or any(c.isspace() for c in what):
        raise BadRequest(
            f"scope {text!r:.80}: expected one of {', '.join(_ACTIONS)}, a colon, and * or an entity type, "
            "such as write:EvacuationShelter"
        )
    if what == "*" or what.startswith((*_OWN, "entity:")):
        return f"{action}:{what}"
    return f"{action}:entity:{expand(what)}"
