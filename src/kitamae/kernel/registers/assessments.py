"""Privacy impact assessments (個人情報影響評価): how one comes into force, is renewed, and lapses.

An entry is about one service, under the service's id, or about what the city or the platform holds about persons (`Paper`). Its `said`:

    name        of what it is about, by language
    in_force    {} or {version, text, text_sha256, personal, papers, renew_by, since, accepted, changed}: what holds now.
                `personal` and `papers` are digests of what the manifest said then about persons, and of all that an assessment
                rests on; `changed`: when it was first seen that the manifest says something else, "" while it does not
    work        {} or {text, text_sha256, comments_until, review}: what is being prepared: `review` {} or {by, opinion, at,
                personal, papers}: digests of what the manifest said when it was reviewed

States: draft, comments, review (nothing is in force yet) and accepted, published, due, lapsed (something is, or was).

    accepted came along and was accepted at the first start; no expert of the city has reviewed it

    due      60 days before `renew_by`, and from when the manifest was seen to have changed
    lapsed   after `renew_by` (the end of that day in Japan); 30 days after the change; at once where it is about persons

What has no assessment that is accepted, published or due is refused by the policy (`papers.Papers`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.kernel.registers.register import PROGRAM, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.registers.entry import Entry

TYPE: Final = "PrivacyImpactAssessment"
STATES: Final = {
    "draft": "下書き",
    "comments": "意見を募集中",
    "review": "専門家が確認ずみ",
    "accepted": "受け入れずみ（専門家は未確認）",
    "published": "公表ずみ",
    "due": "見直しの時期",
    "lapsed": "失効",
}
HOLDS: Final = frozenset({"accepted", "published", "due"})
DUE_DAYS: Final = 60
GRACE_DAYS: Final = 30
YEAR: Final = 366
MOST_YEARS: Final = 3
SHIPPED: Final = "shipped"
"""`accepted` of what came with the program and was accepted at the first start of the city's data directory."""
_DAY: Final = 86_400_000_000
SHORTEST: Final = 200
LONGEST: Final = 60_000
"""Letters of an assessment: with fewer it says nothing."""
_OPINION: Final = 4_000


PLATFORM: Final = "platform"
Origin = Literal["service", "city", "platform"]


@dataclass(frozen=True, slots=True)
class Paper:
    """What a service brings along, or the city, or the platform for what it holds itself (`origin`): the assessment's text ("" where
    the file is missing), digests of what it rests on (a service's manifest, the purposes of the others), until when it says that it
    holds (None: it does not say), and what the register of services says of a service (`described`). `service`: the entry's id.
    """

    service: str
    name: Mapping[str, str]
    text: str
    personal: str
    papers: str
    renew_by: dt.date | None = None
    described: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = "service"


class Assessments:
    """The register of assessments. What each method does is durable when it returns."""

    def __init__(
        self,
        store: Store,
        expand: Callable[[str], str],
        *,
        tenant: str = "",
        publish: bool = True,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.register = Register(store, "pias", TYPE, expand, tenant=tenant, publish=publish, now=now)
        self._store = store

    @property
    def now(self) -> Callable[[], int]:
        """Microseconds UTC."""
        return self.register.now

    async def settle(self, paper: Paper, *, first: bool) -> Entry:
        """Bring the entry to what is so now: the text that the service brings, its manifest, the day.

        `first`: the data directory is new to these registers: what came with the program is accepted, by an act that the entry and
        the ledger record. Later a service that comes with a new text has a draft, and is refused until the desk publishes it.
        """

        async def work(tx: Transaction) -> Entry:
            entry = await self.register.current(tx, paper.service)
            force, prepared = _parts(entry)
            what = "settled"
            if entry is None and first and len(paper.text) >= SHORTEST:
                force, what = self._accepted(paper, 1, SHIPPED, paper.renew_by), "accepted"
            elif paper.text and paper.text not in (force.get("text"), prepared.get("text")):
                prepared, what = _draft(paper.text), "drafted"
            if force:
                same = (force["personal"], force["papers"]) == (paper.personal, paper.papers)
                since = "" if same else force["changed"] or clock.text(self.now())
                force = {**force, "changed": since, "personal_changed": force["personal"] != paper.personal}
            return await self._write(tx, paper, force, prepared, what, PROGRAM)

        return await self._store.transact(work)

    async def ask_comments(self, paper: Paper, until: dt.date, who: str) -> Entry:
        """Open the draft to everybody until the end of a day. Raises BadRequest, Conflict."""
        if not self.now() < days.over(until) <= self.now() + 366 * _DAY:
            raise BadRequest("until: expected a day from today to a year from now")

        def change(force: dict[str, Any], prepared: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            return force, {**prepared, "comments_until": until.isoformat()}

        return await self._change(paper, change, "comments-opened", who)

    async def review(self, paper: Paper, by: str, opinion: str, who: str) -> Entry:
        """What an expert who did not write it says of it. Raises BadRequest, Conflict."""
        by, opinion = by.strip(), opinion.strip()
        if not by or len(by) > 200 or not opinion or len(opinion) > _OPINION:
            raise BadRequest(
                f"review: expected who reviewed it, and an opinion of at most {_OPINION:,} letters"
            )

        def change(force: dict[str, Any], prepared: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            if prepared["comments_until"] and self.now() < days.over(
                dt.date.fromisoformat(prepared["comments_until"])
            ):
                raise Conflict(
                    f"comments are asked for until {prepared['comments_until']}: review it after that"
                )
            seen = {"by": by, "opinion": opinion, "at": clock.text(self.now())}
            return force, {**prepared, "review": {**seen, "personal": paper.personal, "papers": paper.papers}}

        return await self._change(paper, change, "reviewed", who)

    async def publish(self, paper: Paper, renew_by: dt.date, who: str) -> Entry:
        """It is in force for what the manifest says now. Raises BadRequest, Conflict where nobody reviewed that."""
        if not self.now() < days.over(renew_by) <= self.now() + MOST_YEARS * YEAR * _DAY:
            raise BadRequest(f"renew_by: expected a day within the next {MOST_YEARS} years")

        def change(force: dict[str, Any], prepared: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            if not prepared["review"]:
                raise Conflict("nobody has reviewed it yet: it is published after an expert's review")
            if not reviewed(prepared, paper):
                raise Conflict(
                    "the service's manifest has changed since the review: have it reviewed once more"
                )
            version = int(force.get("version", 0)) + 1
            made = self._accepted(paper, version, "reviewed", renew_by)
            return {**made, "text": prepared["text"], "review": prepared["review"]}, {}

        return await self._change(paper, change, "published", who)

    async def renew(self, paper: Paper, who: str) -> Entry:
        """Begin anew with the text that is in force, or that the service brings. Raises Conflict where something is prepared."""

        async def work(tx: Transaction) -> Entry:
            force, prepared = _parts(await self.register.current(tx, paper.service))
            if prepared:
                raise Conflict("a new version is being prepared already")
            if not paper.text:
                raise NotFound(f"the service {paper.service} brings no assessment to begin with")
            return await self._write(tx, paper, force, _draft(paper.text), "drafted", "papers", who)

        return await self._store.transact(work)

    async def _change(
        self,
        paper: Paper,
        change: Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]],
        what: str,
        who: str,
    ) -> Entry:
        async def work(tx: Transaction) -> Entry:
            force, prepared = _parts(await self.register.current(tx, paper.service))
            if not prepared:
                raise Conflict(f"nothing is being prepared for {paper.service}: begin a new version first")
            force, prepared = change(force, prepared)
            return await self._write(tx, paper, force, prepared, what, "papers", who)

        return await self._store.transact(work)

    def _accepted(
        self, paper: Paper, version: int, accepted: str, renew_by: dt.date | None
    ) -> dict[str, Any]:
        until = renew_by or days.of(self.now()) + dt.timedelta(days=365)
        return {
            "version": version, "text": paper.text, "text_sha256": _sha(paper.text), "personal": paper.personal,
            "papers": paper.papers, "renew_by": until.isoformat(), "since": clock.text(self.now()), "accepted": accepted,
            "changed": "", "personal_changed": False, "review": {},
        }  # fmt: skip

    async def _write(
        self,
        tx: Transaction,
        paper: Paper,
        force: dict[str, Any],
        prepared: dict[str, Any],
        what: str,
        by: str,
        who: str = "",
    ) -> Entry:
        if max(len(one.get("text", "")) for one in (force, prepared)) > LONGEST:
            raise BadRequest(f"an assessment is of at most {LONGEST:,} letters")
        if prepared:
            prepared = {**prepared, "text_sha256": _sha(prepared["text"])}
        if force:
            force = {**force, "text_sha256": _sha(force["text"])}
        said = {"name": dict(paper.name), "in_force": force, "work": prepared}
        state = standing(said, self.now())
        before = await self.register.current(tx, paper.service)
        if what == "settled" and (before is None or before["state"] != state):
            what = state
        return await self.register.write(tx, paper.service, state, said, what, by, who=who)


def standing(said: Mapping[str, Any], now: int) -> str:
    """One of `STATES`, at `now` (microseconds UTC): whoever asks later than the entry was written gets what is so then."""
    force, prepared = said["in_force"], said["work"]
    if force:
        if now >= lapses(force):
            return "lapsed"
        early = days.over(dt.date.fromisoformat(force["renew_by"])) - DUE_DAYS * _DAY
        if force["changed"] or now >= early:
            return "due"
        return "accepted" if force["accepted"] == SHIPPED else "published"
    if prepared.get("review"):
        return "review"
    until = prepared.get("comments_until", "")
    return "comments" if until and now < days.over(dt.date.fromisoformat(until)) else "draft"


def reviewed(prepared: Mapping[str, Any], paper: Paper) -> bool:
    """Whether what is being prepared was reviewed for what the manifest says now."""
    seen = prepared.get("review") or {}
    return (seen.get("personal"), seen.get("papers")) == (paper.personal, paper.papers)


def lapses(force: Mapping[str, Any]) -> int:
    """From when on it does not hold any more, microseconds UTC."""
    by_day = days.over(dt.date.fromisoformat(force["renew_by"]))
    if not force["changed"]:
        return by_day
    changed = clock.micros(force["changed"])
    return min(by_day, changed if force["personal_changed"] else changed + GRACE_DAYS * _DAY)


def turns(said: Mapping[str, Any], now: int) -> int | None:
    """When its standing changes next by the clock alone, microseconds UTC; None: never."""
    force, prepared = said["in_force"], said["work"]
    moments = []
    if force:
        moments = [lapses(force), days.over(dt.date.fromisoformat(force["renew_by"])) - DUE_DAYS * _DAY]
    elif until := prepared.get("comments_until", ""):
        moments = [days.over(dt.date.fromisoformat(until))]
    return min((one for one in moments if one > now), default=None)


def takes_comments(said: Mapping[str, Any], now: int) -> bool:
    """Whether everybody is asked for comments now."""
    until = said["work"].get("comments_until", "")
    return bool(until) and now < days.over(dt.date.fromisoformat(until)) and not said["work"]["review"]


def _parts(entry: Entry | None) -> tuple[dict[str, Any], dict[str, Any]]:
    return (entry["said"]["in_force"], entry["said"]["work"]) if entry else ({}, {})


def _draft(text: str) -> dict[str, Any]:
    return {"text": text, "text_sha256": _sha(text), "comments_until": "", "review": {}}


def _sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()
