"""One use of a link, inside the transaction: is it valid, as of its own time and as of now; and what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

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
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.observed import Outcome
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.links.kinds import Also, Kind
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


@dataclass(frozen=True, slots=True)
class Through:
    """Of what is done through a link: `by` whom, about which `entity` (`known`: as it is), said `at`, arrived `now` (microseconds UTC)."""

    by: str
    entity: str
    known: Entity
    at: int
    now: int


Work: TypeAlias = "Callable[[Through], Awaitable[tuple[Outcome, Mapping[str, Any]]]]"
"""What becomes of it, and what the desk sees of it among what was sent through the link."""


async def use(
    tx: Transaction, kept: Capability, kind: Kind, sent: Sent, words: Context, policy: Policy, now: int
) -> Done:
    """See `Links.use`."""
    terms = kept["terms"]
    if before := await _before(tx, terms, sent):
        return before
    _demand_usable(kept, sent, now)
    values = kind.read(sent.values)
    if beyond := sorted(values.keys() - set(terms["fields"])):
        raise BadRequest(f"{beyond[0]}: this link does not write it")
    mynumber.demand_none(values)
    through = await _through(tx, terms, sent, policy, now)
    outcome, after = await _observed(tx, terms, through.entity, kind, values, words, through.at, now)
    await _note(tx, kept, sent, through, values, outcome)
    names = {name: words.expand(name) for name in values}
    present = observed.values(after, names.values())
    told_now = {
        name: (one["v"], one.get("observedAt", "")) if (one := present.get(iri)) else (None, "")
        for name, iri in names.items()
    }
    return Done(through.entity, outcome, now=told_now)


async def act(
    tx: Transaction, kept: Capability, what: Also, sent: Sent, work: Work, policy: Policy, now: int
) -> Done:
    """See `Links.act`."""
    terms = kept["terms"]
    if before := await _before(tx, terms, sent):
        return before
    _demand_usable(kept, sent, now)
    if what not in terms.get("also", ()):
        raise BadRequest("this link does not write that: it was given out for something else")
    through = await _through(tx, terms, sent, policy, now)
    outcome, values = await work(through)
    await _note(tx, kept, sent, through, values, outcome)
    return Done(through.entity, outcome)


async def _before(tx: Transaction, terms: Terms, sent: Sent) -> Done | None:
    """What became of it when it was sent before. Raises SentTwice."""
    before = await tx.get(TENANT, USES + terms["number"], sent.id)
    if before is None:
        return None
    if before["digest"] != sent.digest:
        raise SentTwice
    return Done(before["entity"], before["outcome"], again=True)


def _demand_usable(kept: Capability, sent: Sent, now: int) -> None:
    demand_valid(kept, now if sent.at is None else sent.at, now)
    if kept["used"] >= kept["terms"]["uses"]:
        raise LinkOver("it was used as often as it may be")
    _demand_there(kept["terms"], sent)


async def _through(tx: Transaction, terms: Terms, sent: Sent, policy: Policy, now: int) -> Through:
    """Raises Forbidden, NotFound."""
    entity = sent.entity or (terms["things"][0] if len(terms["things"]) == 1 else "")
    policy.demand(
        Question(principal(terms), "write", f"entity:{terms['type']}", terms["tenant"], thing=entity)
    )
    known = await tx.entity(terms["tenant"], entity)
    if known is None or terms["type"] not in known["type"]:
        raise NotFound(f"{entity!r:.120} is not there any more")
    at = now if sent.at is None else min(sent.at, now)
    return Through(f"link-{terms['number']}", entity, known, at, now)


async def _note(
    tx: Transaction,
    kept: Capability,
    sent: Sent,
    through: Through,
    values: Mapping[str, Any],
    outcome: Outcome,
) -> None:
    number, at = kept["terms"]["number"], clock.text(through.at)
    said = {"entity": through.entity, "observedAt": at, "values": dict(values), "outcome": outcome}
    event = await told(tx, clock.text(through.now), through.by, "used", {"number": number, **said})
    await tx.put(TENANT, USES + number, sent.id, {**event, **said, "digest": sent.digest})
    await tx.put(TENANT, KIND, number, {**kept, "used": kept["used"] + 1})


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
