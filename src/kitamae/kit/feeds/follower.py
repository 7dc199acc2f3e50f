"""Follows the feeds of one source: reads what is new of them, fetches each message once, and has its service make of it what it makes.

What a feed names is written down before it is fetched, and a message is done with in the transaction that writes what came of it. So a
process that dies at any moment goes on where it was, and nothing is fetched twice (気象庁 shuts out who does). A feed holds the last
minutes; who was away for longer catches up from the long one, which its server writes anew every hour: so it is read until it is newer
than the return. Messages may come in any order.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Problem, Unavailable
from kitamae.kit.feeds import atom, kept
from kitamae.kit.feeds.asking import NotHad
from kitamae.sdk.xml import BadMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kit.feeds.asking import Asking
    from kitamae.kit.feeds.atom import Feed
    from kitamae.kit.feeds.hub import Hub
    from kitamae.kit.feeds.source import Source
    from kitamae.sdk.context import Context
    from kitamae.sdk.observing import Observing

SECOND: Final = 1_000_000
PERIOD: Final = 60 * SECOND
"""Between two looks at a feed, as often as 気象庁 writes its own."""
OVERLAP: Final = 8 * 60 * SECOND
"""Away for longer, one may have missed something: the short feed holds ten minutes at least."""
LONG_PERIOD: Final = 10 * 60 * SECOND
CAUGHT_UP: Final = 2 * 3_600 * SECOND
"""A long feed that does not say when it was written is believed to have all after so long."""
SILENT: Final = 10 * 60 * SECOND
"""Without an answer for so long, that is said."""
AHEAD: Final = 10 * 60 * SECOND
"""What is dated later than so long from now is no news: one such entry would hide a silence until then."""
QUIET: Final = 6 * 3_600 * SECOND
"""Without anything new for so long, that is said too: for all of Japan there is always something."""
FORGOTTEN: Final = 14 * 86_400 * SECOND
"""Longer than any feed reaches back."""
Silence = Literal["answer", "news"]
"""Its server does not answer; it answers, and nothing is new."""
_SAYS: Final[dict[Silence, str]] = {"answer": "no answer", "news": "nothing new"}
_TOGETHER: Final = 4
_AT_ONCE: Final = 500
_FIRST: Final = 30 * SECOND
_LONGEST: Final = 3_600 * SECOND
_TRIES: Final = 30
_TRIES_GONE: Final = 4
_LOOK: Final = 2.0
_REMARKS: Final = 20
_log = structlog.get_logger("kitamae")


class Follower:
    """`reader` reads what the city knows; `observing` writes as the service whose `source` it is."""

    def __init__(
        self,
        source: Source,
        store: Store,
        reader: Context,
        observing: Observing,
        asking: Asking,
        hub: Hub | None = None,
        *,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.source, self.store = source, store
        self._reader, self._observing, self._asking, self._now = reader, observing, asking, now
        self.hub = hub
        self._tidied = 0
        self._begun = now()
        self._follows = False
        self._feeds: dict[str, dict[str, Any]] = {}
        self._refused: set[str] | None = None

    async def run(self) -> None:
        """Until it is cancelled. Raises what the store raises."""
        self._begun = self._now()
        self._follows = True
        try:
            await self.read_again()
            while True:
                await self.look()
                await asyncio.sleep(_LOOK)
        finally:
            self._follows = False
            await self._asking.close()

    async def look(self) -> None:
        """Everything that is due now, once."""
        for name in self.source.names:
            if self._due(await self._feed(name)):
                await self._read(name)
        if self.hub is not None:
            await self._renew(self.hub)
        await self._fetch()
        if self._refused is None:
            self._refused = set(await kept.all_of(self.store, kept.REFUSED))
        await self._tidy()

    async def _renew(self, hub: Hub) -> None:
        """The pull does not wait for what is wrong with the push."""
        try:
            await hub.renew()
        except Exception:
            _log.exception("a hub is not asked")

    async def read_again(self) -> None:
        """What was refused is read once more: the city's profile, or the program, may know more by now. What was not to be had is fetched."""
        refused = await kept.all_of(self.store, kept.REFUSED)
        self._refused = set(refused)
        for id, doc in refused.items():
            if (content := kept.content(doc)) is not None:
                await self._take(id, doc, content)
            elif doc["reason"] == "gone":
                await self._wish(id, doc)

    async def _wish(self, id: str, doc: dict[str, Any]) -> None:
        now = self._now()
        await self.store.transact(lambda tx: kept.wish(tx, id, doc, now))
        self._is_refused(id, said=False)

    def _is_refused(self, id: str, *, said: bool = True) -> None:
        if self._refused is not None:
            (self._refused.add if said else self._refused.discard)(id)

    def trouble(self) -> str:
        """Which feed is silent, what was refused; "": neither, or another worker follows them and says it."""
        return "; ".join([*self.silent(), *self._said_of_refused()]) if self._follows else ""

    async def is_silent(self) -> bool:
        """Whether one of the feeds is, by what the store knows: the same in every worker."""
        known = await kept.all_of(self.store, kept.FEED)
        return any(self.silence(known.get(name, {})) for name in self.source.names)

    def silent(self) -> list[str]:
        """Of each feed that does not answer, or has nothing new, since when; and what its messages say that the profile does not know."""
        found = []
        for name in self.source.names:
            doc = self._feeds.get(name, {})
            if silence := self.silence(doc):
                kind, since = silence
                found.append(f"{name}: {_SAYS[kind]} since {since} {doc.get('why', '')}".strip())
            found += [f"{name}: {remark}" for remark in doc.get("remarks", {})]
        return found

    def silence(self, doc: Mapping[str, Any]) -> tuple[Silence, str] | None:
        """How long a feed is silent already, from its document: since when; None: it is not."""
        now = self._now()
        answered = _micros(doc.get("answered")) or self._begun
        if now - answered > SILENT:
            return "answer", clock.text(answered)
        news = _micros(doc.get("news"))
        return ("news", clock.text(news)) if news and now - news > QUIET else None

    def _said_of_refused(self) -> list[str]:
        return [f"{len(self._refused)} messages were not taken: /staff/feeds"] if self._refused else []

    async def _feed(self, name: str) -> dict[str, Any]:
        doc = dict(await self.store.get(TENANT, kept.FEED, name) or {})
        self._feeds[name] = doc
        return doc

    def _due(self, doc: dict[str, Any]) -> bool:
        return self._now() - _micros(doc.get("asked")) >= PERIOD

    async def _read(self, name: str) -> None:
        doc, now = await self._feed(name), self._now()
        doc["asked"] = clock.text(now)
        try:
            away = now - _micros(doc.get("answered"))
            feed = await self._ask(name, doc)
            doc |= {"answered": clock.text(now), "why": ""}
            if away > OVERLAP or (feed is not None and _misses(feed, doc)):
                doc |= {"behind": clock.text(now), "long_asked": ""}
            if feed is not None:
                await self._want(name, feed)
                doc["news"] = _newest(feed, doc, now + AHEAD)
            await self._catch_up(name, doc, now)
        except (NotHad, BadMessageError) as wrong:
            doc["why"] = str(wrong)[:500]
            _log.warning("a feed is not to be had", feed=name, why=doc["why"])
        except Unavailable:
            raise
        except Exception as wrong:  # what nobody foresaw in one feed keeps from no other, and from no message
            doc["why"] = type(wrong).__name__
            _log.exception("a feed is not read", feed=name)
        await self.store.transact(lambda tx: self._note(tx, name, doc))

    async def _note(self, tx: Transaction, name: str, doc: dict[str, Any]) -> None:
        remarks = (await tx.get(TENANT, kept.FEED, name) or {}).get("remarks", {})
        oldest = clock.text(self._now() - FORGOTTEN)
        after = {**doc, "remarks": {one: at for one, at in remarks.items() if at > oldest}}
        await tx.put(TENANT, kept.FEED, name, after)
        self._feeds[name] = after

    async def _ask(self, name: str, doc: dict[str, Any], *, long: bool = False) -> Feed | None:
        """None: it is as it was. Its marks are noted in `doc`. Raises NotHad, BadMessageError."""
        marks, url = "long_marks" if long else "marks", self.source.url(name, long=long)
        answer = await self._asking.get(url, doc.get(marks))
        if answer.content is None:
            return None
        feed = atom.read(answer.content, url)  # before the marks: what cannot be read is asked for again
        if feed.astray:
            _log.warning("entries of a feed lead to another server", feed=name, count=feed.astray)
        doc[marks] = answer.marks
        return feed

    async def _catch_up(self, name: str, doc: dict[str, Any], now: int) -> None:
        """From the long feed, for as long as it may not have all that was missed."""
        behind = _micros(doc.get("behind"))
        if not behind or now - _micros(doc.get("long_asked")) < LONG_PERIOD:
            return
        doc["long_asked"] = clock.text(now)
        feed = await self._ask(name, doc, long=True)
        if feed is not None:
            await self._want(name, feed)
        written = feed.updated if feed is not None else None
        if (written and clock.micros(written.isoformat()) >= behind) or now - behind > CAUGHT_UP:
            doc["behind"] = ""

    async def _want(self, name: str, feed: Feed) -> None:
        entries = [one for one in feed.entries if self.source.wants(one.office)]
        for begin in range(0, len(entries), _AT_ONCE):
            part, now = entries[begin : begin + _AT_ONCE], self._now()

            async def work(tx: Transaction, part: list[atom.Entry] = part, now: int = now) -> None:
                await kept.want(tx, name, part, now)

            await self.store.transact(work)

    async def _fetch(self) -> None:
        """Newest first: what is in force now is known soonest, and what is older changes nothing then."""
        now = self._now()
        wanted = await kept.all_of(self.store, kept.WANTED)
        due = [(id, doc) for id, doc in wanted.items() if _micros(doc["next"]) <= now]
        due.sort(key=lambda one: str(one[1]["updated"]), reverse=True)
        for begin in range(0, len(due), _TOGETHER):
            part = due[begin : begin + _TOGETHER]
            answers = await asyncio.gather(
                *(self._asking.get(doc["href"]) for _, doc in part), return_exceptions=True
            )
            for (id, doc), answer in zip(part, answers, strict=True):
                if isinstance(answer, NotHad):
                    await self._later(id, doc, answer)
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    await self._take(id, doc, answer.content or b"")
            if any(self._due(self._feeds.get(name, {})) for name in self.source.names):
                return  # thousands to catch up with do not keep from looking what is new

    async def _later(self, id: str, doc: dict[str, Any], why: NotHad) -> None:
        tries, now = doc["tries"] + 1, self._now()
        if tries >= (_TRIES_GONE if why.gone else _TRIES):
            await self._refuse(id, doc, "gone", str(why), None)
            return
        wait = min(_FIRST * 2 ** (tries - 1), _LONGEST)
        after = {**doc, "tries": tries, "next": clock.text(now + wait)}

        async def work(tx: Transaction) -> None:
            if await tx.get(TENANT, kept.WANTED, id) is not None:
                await tx.put(TENANT, kept.WANTED, id, after)

        await self.store.transact(work)

    async def _take(self, id: str, doc: dict[str, Any], content: bytes) -> None:
        """What cannot be taken is kept, for others must not wait for it. Raises Unavailable."""
        try:
            await self._taken(id, doc, content)
        except Unavailable:
            raise
        except (BadMessageError, Problem) as wrong:  # somebody else's thing may have that id
            why = str(wrong) or (wrong.title if isinstance(wrong, Problem) else "")
            await self._refuse(id, doc, "form", why, content)
        except Exception as wrong:
            _log.exception("a message is not taken", message=id)
            await self._refuse(id, doc, "form", f"{type(wrong).__name__}: {wrong}", content)

    async def _taken(self, id: str, doc: dict[str, Any], content: bytes) -> None:
        ingest, city = self.source.ingest, self.source.city
        message = self.source.read(content)
        if why := ingest.refused(message, city):
            await self._refuse(id, doc, "area", why, content)
            return
        present = {one["id"]: one for one in await self._reader.find([ingest.TYPE], limit=1_000, full=True)}
        before = await self.store.get(TENANT, kept.HEARD, self.source.format) or {}
        heard = dict(before)
        news = [one for step in ingest.changes([message], city, present, heard) for one in step]
        remarks = ingest.remarks(message, city)

        async def beside(tx: Transaction) -> None:
            await kept.take(tx, id, self._now())
            if heard != before:
                await tx.put(TENANT, kept.HEARD, self.source.format, heard)
            if remarks:
                await self._remark(tx, doc["feed"], remarks)

        await self._observing.observe(news, beside)
        self._is_refused(id, said=False)

    async def _remark(self, tx: Transaction, name: str, remarks: list[str]) -> None:
        feed = await tx.get(TENANT, kept.FEED, name) or {}
        at = clock.text(self._now())
        told = {**feed.get("remarks", {}), **dict.fromkeys(remarks, at)}
        newest = sorted(told.items(), key=lambda one: str(one[1]), reverse=True)[:_REMARKS]
        await tx.put(TENANT, kept.FEED, name, {**feed, "remarks": dict(newest)})

    async def _refuse(
        self, id: str, doc: dict[str, Any], reason: kept.Reason, why: str, content: bytes | None
    ) -> None:
        _log.warning("a message is not taken", message=id, why=why)
        now = self._now()

        async def work(tx: Transaction) -> None:
            await kept.refuse(tx, id, doc, reason, why, content, now)

        await self.store.transact(work)
        self._is_refused(id)

    async def _tidy(self) -> None:
        """Once an hour: what no feed names any more is not remembered, and of what was refused the latest stay."""
        now = self._now()
        if now - self._tidied < _LONGEST:
            return
        self._tidied = now
        oldest = clock.text(now - FORGOTTEN)
        taken = [id for id, doc in (await kept.all_of(self.store, kept.TAKEN)).items() if doc["at"] < oldest]
        refused = await kept.all_of(self.store, kept.REFUSED)
        newest = sorted(refused, key=lambda one: str(refused[one]["at"]), reverse=True)
        for begin in range(0, len(taken), _AT_ONCE):
            await self._drop(kept.TAKEN, taken[begin : begin + _AT_ONCE])
        await self._drop(kept.REFUSED, newest[kept.MOST_REFUSED :])
        self._refused = set(newest[: kept.MOST_REFUSED])

    async def _drop(self, kind: str, ids: list[str]) -> None:
        async def work(tx: Transaction) -> None:
            for id in ids:
                await tx.drop(TENANT, kind, id)

        if ids:
            await self.store.transact(work)


def _misses(feed: Feed, doc: dict[str, Any]) -> bool:
    """Whether something may have stood between what was read last and the oldest that is there now."""
    times = [one.updated for one in feed.entries if one.updated is not None]
    known = _micros(doc.get("news"))
    return bool(times) and bool(known) and clock.micros(min(times).isoformat()) > known


def _newest(feed: Feed, doc: dict[str, Any], latest: int) -> str:
    """When the newest entry was written, of this feed or of what was read before; none that is dated after `latest`."""
    times = [
        one.updated.isoformat().replace("+00:00", "Z") for one in feed.entries if one.updated is not None
    ]
    return max((one for one in [*times, doc.get("news", "")] if _micros(one) <= latest), default="")


def _micros(said: object) -> int:
    return clock.micros(said) if isinstance(said, str) and said else 0
