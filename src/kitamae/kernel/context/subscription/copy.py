"""What a source is sent of a subscription (5.8.1.4): the part that it registered, told to us and not to the subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from kitamae.kernel.context.query import reach
from kitamae.kernel.context.query.tree import Wanted
from kitamae.kernel.context.registration import interest
from kitamae.kernel.context.registration.match import Question
from kitamae.kernel.context.subscription.model import Record
from kitamae.kernel.context.veil.asked import tells

if TYPE_CHECKING:
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.interest import Interest
    from kitamae.kernel.context.registration.model import Information
    from kitamae.kernel.context.subscription.model import Selector, Subscription
    from kitamae.kernel.context.veil import Hidden

_COPIED: Final = (
    *("notificationTrigger", "timeInterval", "datasetId", "expiresAt", "lang", "localOnly", "splitEntities"),
)
CONDITIONS: Final = ("q", "geoQ", "scopeQ")
"""Members that a copy has only where its source is to judge them."""


def question(one: Subscription) -> Question:
    """Which registrations concern a subscription (5.12)."""
    selectors = [Wanted(some.types, (some.id,) if some.id else (), some.id_pattern) for some in one.selectors]
    return Question(tuple(selectors), one.watched)


def looked_at(one: Subscription, informed: tuple[Information, ...], what: Hidden) -> frozenset[str] | None:
    """Changes of which attributes the source is to tell; empty: of any; None: of none, so that it is not sent a copy.

    `what`: hidden from subscribers. That it changed is told to nobody either.
    """
    every = [some.attrs for some in informed]
    attrs = frozenset[str]().union(*every) if all(every) else None
    named = one.watched if attrs is None else (one.watched & attrs or attrs)
    types = _types(one) or frozenset(
        name for some in informed for info in some.entities for name in info.types
    )
    if types and types <= what.types:
        return None
    of = [what.attributes.get(name, frozenset[str]()) for name in types] or [*what.attributes.values()]
    gone = frozenset.intersection(*of) if types and of else frozenset[str]().union(*of)
    left = named - gone
    return left if left or not named else None


def reduced(
    one: Subscription, informed: tuple[Information, ...], context: Context, address: str, what: Hidden
) -> dict[str, Any]:
    """The copy for a source, in the words of `context`: what it registered of what is subscribed to, told to `address`.

    Conditions travel with it, unless entities may be split between sources, or the words of a condition mean something
    else in `context`, or it asks by what is hidden from subscribers: what does not travel is judged here.
    """
    given = one.doc["given"]
    copy: dict[str, Any] = {"type": "Subscription"}
    copy |= {name: given[name] for name in _COPIED if name in given}
    if not given.get("splitEntities", False):
        shut = _shut(one, what)
        copy |= {
            name: given[name]
            for name in CONDITIONS
            if name in given and name not in shut and _same(one, name, context)
        }
    infos = [info for some in informed for info in some.entities]
    if infos and all(info.id for info in infos):
        copy["entities"] = [{"id": info.id, "type": context.compact(info.types[0])} for info in infos]
    elif one.selectors:
        copy["entities"] = [_selector(some, context) for some in one.selectors]
    elif infos:
        copy["entities"] = [{"type": context.compact(name)} for info in infos for name in info.types]
    every = [some.attrs for some in informed]
    attrs = frozenset[str]().union(*every) if all(every) else None
    watched = looked_at(one, informed, what)
    if watched and "timeInterval" not in copy:
        copy["watchedAttributes"] = sorted(map(context.compact, watched))
    told: dict[str, Any] = {"endpoint": {"uri": address, "accept": "application/json"}}
    told |= {name: True for name in ("sysAttrs", "showChanges") if given["notification"].get(name)}
    if given.get("splitEntities", False) or what:
        told["sysAttrs"] = (
            True  # of two instances the newer one stands; and which one is new tells what changed
        )
    if attrs is not None:
        told["attributes"] = sorted(map(context.compact, attrs))
    copy["notification"] = told
    return copy


def watched(one: Subscription, address: str) -> Interest:
    """The subscription to registrations that it stands for (5.8.1.4): shown with the others, and followed by `Relays`."""
    given = one.doc["given"]
    kept = {name: given[name] for name in ("entities", "watchedAttributes") if name in given}
    id = f"urn:ngsi-ld:Subscription:{uuid5(NAMESPACE_URL, one.queue)}"
    doc = {
        **one.doc,
        "given": {
            **kept,
            "id": id,
            "type": "Subscription",
            "notification": {"endpoint": {"uri": address, "accept": "application/json"}},
        },
    }
    return interest.compiled(one.tenant, doc, one.context, Record())


def _types(one: Subscription) -> frozenset[str]:
    """What the entities that are subscribed to may be; empty: any."""
    named = [some.types.any_of for some in one.selectors]
    return (
        frozenset(name for some in named for together in some for name in together)
        if all(named)
        else frozenset()
    )


def _shut(one: Subscription, what: Hidden) -> frozenset[str]:
    """Conditions that ask by what is hidden."""
    asked = {
        "q": () if one.q is None else (path.names[0] for path in reach.every(one.q)),
        "geoQ": () if one.geo is None else (one.geo.geoproperty,),
    }
    types = _types(one) if one.q is None or not one.follows else frozenset[str]()
    return frozenset(member for member, names in asked.items() if tells(what, types, names))


def _same(one: Subscription, member: str, context: Context) -> bool:
    """Do the words of a member mean in `context` what they meant when they were written?"""
    return all(context.expand(name) == iri for name, iri in one.doc["terms"].get(member, {}).items())


def _selector(one: Selector, context: Context) -> dict[str, str]:
    types = [";".join(map(context.compact, together)) for together in one.types.any_of]
    found = {"type": ",".join(f"({one})" if ";" in one else one for one in types) or "*"}
    if one.id is not None:
        found["id"] = one.id
    elif one.id_pattern is not None:
        found["idPattern"] = one.id_pattern
    return found
