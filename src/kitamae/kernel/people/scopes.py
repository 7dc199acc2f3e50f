"""What a token may be cut down to: `write:EvacuationShelter`, `read:*`, `operate:system:metrics`; and to which tenants.

`write:EvacuationShelter|urn:ngsi-ld:EvacuationShelter:1` is for that one entity alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, get_args

from kitamae.kernel.people.person import EVERYWHERE, HOME, ONE
from kitamae.kernel.people.policy import Action
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEFAULT: Final = "@default"
"""How an operator names the default tenant, which has no name of its own."""

_TENANT: Final = re.compile(r"[\w.-]{1,64}")
_ACTIONS: Final = tuple(action for action in get_args(Action) if action != "use")
"""`use` is for what everybody may do: no token is given it."""

_OWN: Final = ("subscription", "registration", "context", "system:", "page:", "person:")
"""What the policy is asked about besides entities (see `policy.Question.what`)."""


def scope(text: str, expand: Callable[[str], str]) -> str:
    """As the policy compares it: an entity type becomes `entity:<expanded type>`. Raises BadRequest."""
    action, colon, what = text.strip().partition(":")
    if not colon or action not in _ACTIONS or not what or any(c.isspace() for c in what):
        raise BadRequest(
            f"scope {text!r:.80}: expected one of {', '.join(_ACTIONS)}, a colon, and * or an entity type, "
            "such as write:EvacuationShelter"
        )
    what, one, thing = what.partition(ONE)
    if one and (":" not in thing or what == "*" or what.startswith(_OWN)):
        raise BadRequest(
            f"scope {text!r:.80}: after {ONE} comes the id of one entity of a type, such as urn:ngsi-ld:RiverGauge:1"
        )
    if what == "*" or what.startswith(_OWN):
        return f"{action}:{what}"
    type_ = what.removeprefix("entity:") if what.startswith("entity:") else expand(what)
    return f"{action}:entity:{type_}{one}{thing}"


def tenants(asked: Iterable[str]) -> list[str]:
    """As they are kept: `@default` is "", `*` all, nothing the default one. Raises BadRequest."""
    found = {HOME if one == DEFAULT else one for one in asked} or {HOME}
    for one in found - {HOME, EVERYWHERE}:
        if not _TENANT.fullmatch(one):
            raise BadRequest(
                f"tenant {one!r:.80}: expected a tenant's name (letters, digits, `_`, `.`, `-`), {DEFAULT} or {EVERYWHERE}"
            )
    return sorted(found)


def named(tenants: Iterable[str]) -> list[str]:
    """As an operator names them."""
    return [DEFAULT if one == HOME else one for one in tenants]
