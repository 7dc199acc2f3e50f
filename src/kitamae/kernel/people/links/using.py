"""One use of a link, inside the transaction: is it valid, as of its own time and as of now; and what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock, observed, read
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.links.problems import Elsewhere, LinkOver, SentTwice
from kitamae.kernel.people.links.records import KIND, USES, Capability, Terms, told
from kitamae.kernel.people.links.sent import Done
from kitamae.kernel.people.person import ONE, Principal
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.kernel.sphere import metres

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.observed import Outcome
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.links.kinds import Kind
    from kitamae.kernel.people.links.sent import Sent
    from kitamae.kernel.people.policy import Policy

_HOUR: Final = 3_600_000_000
_AHEAD: Final = 300_000_000  # microseconds that a phone's clock may be ahead


def principal(terms: Terms) -> Principal:
    """Whoever acts through it, as the policy knows him: a program that may write these things and no others."""
    scopes = frozenset(f"write:entity:{terms['type']}{ONE}{thing}" for thing in terms["things"])
    return Principal(f"link-{terms['number']}", "service", scopes, 1, tenants=frozenset({terms["tenant"]}))


def demand_open(kept: Capability, now: int) -> None:
    """Whether it can be used at this moment. Raises LinkOver."""
    demand_valid(kept, now, now)


def demand_valid(kept: Capability, at: int, now: int) -> None:
    """For something that was said at `at` and arrives `now` (microseconds UTC). Raises LinkOver, BadRequest.

    A phone's time is its owner's word. So it counts only within the link's own period, for the hours that the link grants
    to a phone without a connection; and once a phone is lost, not at all.
    """
    terms, ended = kept["terms"], kept.get("ended")
    begins, ends = clock.micros(terms["begins"]), clock.micros(terms["ends"])
    late = terms["lateHours"] * _HOUR
    if at > now + _AHEAD:
        raise BadRequest(f"at: {clock.text(at)} lies ahead; here it is {clock.text(now)}")
    if ended and ended["why"] == "lost":
        raise LinkOver("it was reported as lost")
    if at < begins:
        raise LinkOver(f"it begins at {terms['begins']}")
    if at >= ends or now >= ends + late:
        raise LinkOver(f"it ended at {terms['ends']}")
    if ended and (at >= clock.micros(ended["at"]) or now >= clock.micros(ended["at"]) + late):
        raise LinkOver(f"it was taken back at {ended['at']}")
    if now - at > late:
        raise LinkOver(f"what is older than {terms['lateHours']} hours is not taken any more")


async def use(
    tx: Transaction, kept: Capability, kind: Kind, sent: Sent, words: Context, policy: Policy, now: int
) -> Done:
    """See `Links.use`."""
    terms = kept["terms"]
    number = terms["number"]
    entity = sent.entity or (terms["things"][0] if len(terms["things"]) == 1 else "")
    if before := await tx.get(TENANT, USES + number, sent.id):
        if before["digest"] != sent.digest:
            raise SentTwice
        return Done(before["entity"], before["outcome"], again=True)
    at = now if sent.at is None else min(sent.at, now)
    demand_valid(kept, now if sent.at is None else sent.at, now)
    if kept["used"] >= terms["uses"]:
        raise LinkOver("it was used as often as it may be")
    _demand_there(terms, sent)
    values = kind.read(sent.values)
    if beyond := sorted(values.keys() - set(terms["fields"])):
        raise BadRequest(f"{beyond[0]}: this link does not write it")
    mynumber.demand_none(values)
    policy.demand(
        Question(principal(terms), "write", f"entity:{terms['type']}", terms["tenant"], thing=entity)
    )
    known = await tx.entity(terms["tenant"], entity)
    if known is None or terms["type"] not in known["type"]:
        raise NotFound(f"{entity!r:.120} is not there any more")
    outcome, after = await _observed(tx, terms, entity, kind, values, words, at, now)
    stamp = clock.text(now)
    event = await told(
        tx, stamp, f"link-{number}", "used",
        {"number": number, "entity": entity, "observedAt": clock.text(at), "values": dict(values), "outcome": outcome},
    )  # fmt: skip
    row = {
        **event, "observedAt": clock.text(at), "entity": entity, "values": dict(values), "outcome": outcome,
        "digest": sent.digest,
    }  # fmt: skip
    await tx.put(TENANT, USES + number, sent.id, row)
    await tx.put(TENANT, KIND, number, {**kept, "used": kept["used"] + 1})
    names = {name: words.expand(name) for name in values}
    present = observed.values(after, names.values())
    told_now = {
        name: (one["v"], one.get("observedAt", "")) if (one := present.get(iri)) else (None, "")
        for name, iri in names.items()
    }
    return Done(entity, outcome, now=told_now)


async def _observed(
    tx: Transaction,
    terms: Terms,
    id: str,
    kind: Kind,
    values: dict[str, Any],
    words: Context,
    at: int,
    now: int,
) -> tuple[Outcome, Entity | None]:
    """Newer than what is known: it becomes the present. Older: history."""
    units = {one.name: one.unit for one in kind.fields}
    payload: dict[str, Any] = {"id": id, "type": terms["type"]}
    for name, value in values.items():
        payload[name] = {"type": "Property", "value": value, "observedAt": clock.text(at)}
        if units[name]:
            payload[name]["unitCode"] = units[name]
    entity = read.entity(payload, words)
    return await observed.observed(tx, terms["tenant"], entity, at, now, f"link-{terms['number']}")


def _demand_there(terms: Terms, sent: Sent) -> None:
    """Raises Elsewhere."""
    area = terms["area"]
    if area is None:
        return
    if sent.position is None:
        raise Elsewhere("say where you are: this link only works in its place")
    away = metres((area["longitude"] / 1e6, area["latitude"] / 1e6), sent.position)
    if away > area["metres"]:
        raise Elsewhere(f"this link only works within {area['metres']} metres of its place")
