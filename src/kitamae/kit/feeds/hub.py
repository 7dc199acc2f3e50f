"""WebSub (W3C Recommendation, 2018), as a subscriber: a hub tells what is new in a feed, the moment it is.

`feed-hub` by the feed's name: {hub, topic, key, secret, state, asked, until, lease, why}   (`secret` sealed, `key` a part of our address)

A hub is believed only with our secret's signature, and only about where a message is: the message itself is fetched from the feed's own
server. What it never told, the pull brings a minute later.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.kit.feeds import atom, kept
from kitamae.kit.feeds.asking import NotHad
from kitamae.sdk.xml import BadMessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.seal import Seal
    from kitamae.kit.feeds.asking import Asking
    from kitamae.kit.feeds.source import Source

KIND: Final = "feed-hub"
METHODS: Final = ("sha1", "sha256", "sha384", "sha512")
"""Of HMAC in `X-Hub-Signature`: those that the Recommendation names (section 7.1)."""
LEASE: Final = 10 * 86_400
"""Seconds that are asked for; the hub says how many it gives."""
_SHORTEST, _LONGEST = 300, 90 * 86_400
_AGAIN: Final = 600 * 1_000_000
_PURPOSE: Final = "feed-hub"
_log = structlog.get_logger("kitamae")


class Hub:
    """`address`: how the city is reached from outside."""

    def __init__(
        self,
        source: Source,
        store: Store,
        seal: Seal,
        asking: Asking,
        address: str,
        *,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._source, self._store, self._seal, self._asking = source, store, seal, asking
        self._address, self._now = address, now

    async def renew(self) -> None:
        """Ask for what is not promised, or not for long any more. Nothing where the operator names no hub."""
        hub = self._source.pulled.hub
        for name in self._source.names if hub else ():
            topic, now = self._source.url(name), self._now()
            doc = await self._store.get(TENANT, KIND, name)
            if doc is None or (doc["hub"], doc["topic"]) != (hub, topic) or not self._secret(doc):
                secret = self._seal.write(_PURPOSE, {"secret": secrets.token_hex(32)})
                doc = {
                    "hub": hub, "topic": topic, "key": secrets.token_urlsafe(24), "secret": secret,
                    "state": "new", "asked": "", "until": "", "lease": LEASE, "why": "",
                }  # fmt: skip
            if self._holds(doc, now) or now - _micros(doc["asked"]) < _AGAIN:
                continue
            doc = {**doc, "asked": clock.text(now)}
            await self._put(name, doc)  # before the hub asks whether it was us
            form = {
                "hub.callback": f"{self._address}/feeds/{name}/{doc['key']}", "hub.mode": "subscribe", "hub.topic": topic,
                "hub.lease_seconds": str(LEASE), "hub.secret": self._secret(doc).decode(),
            }  # fmt: skip
            try:
                status = await self._asking.post(hub, form)
                why = "" if status // 100 == 2 else f"{hub:.200}: {status}"
            except NotHad as wrong:
                why = str(wrong)
            if why:
                _log.warning("a hub does not take our wish", feed=name, why=why)
                await self._update(name, {"why": why})

    async def confirm(self, name: str, key: str, said: Mapping[str, str]) -> str:
        """What is to be answered to a hub that asks whether we want what it was asked for, or that says no. Raises NotFound, BadRequest."""
        doc = await self._known(name, key)
        if said.get("hub.topic") != doc["topic"]:
            raise NotFound("nothing of that feed was asked for")
        if said.get("hub.mode") == "denied":
            why = f"denied: {said.get('hub.reason', '')[:200]}"
            await self._update(name, {"state": "denied", "why": why})
            return ""
        if said.get("hub.mode") != "subscribe" or not doc["asked"]:
            raise NotFound("that was not asked for")
        challenge, lease = said.get("hub.challenge", ""), said.get("hub.lease_seconds", "")
        if (
            not challenge
            or len(challenge) > 1_000
            or not (lease.isascii() and lease.isdigit() and len(lease) < 12)
        ):
            raise BadRequest("hub.challenge and hub.lease_seconds: expected a text and a number of seconds")
        seconds = min(max(int(lease), _SHORTEST), _LONGEST)
        until = clock.text(self._now() + seconds * 1_000_000)
        after = {"state": "active", "until": until, "lease": seconds, "why": ""}
        await self._update(name, after)
        return challenge

    async def told(self, name: str, key: str, signature: str, content: bytes) -> int:
        """How many messages are new; they are written down when this returns. What is not signed as it should be is ignored, as the
        Recommendation has it (section 7.1): the hub is not told so. Raises NotFound for an address that was never given.
        """
        doc = await self._known(name, key)
        secret = self._secret(doc)
        if not secret or not signed(secret, signature, content):
            _log.warning("what a hub told is not signed with our secret", feed=name)
            return 0
        now = self._now()
        try:
            feed = atom.read(content, doc["topic"])
        except BadMessageError as wrong:
            _log.warning("what a hub told is no feed", feed=name, why=str(wrong))
            return 0
        entries = [one for one in feed.entries if self._source.wants(one.office)]
        return await self._store.transact(lambda tx: kept.want(tx, name, entries, now))

    async def state(self) -> dict[str, dict[str, Any]]:
        """Of each feed: {state, until, why}."""
        found = await kept.all_of(self._store, KIND)
        return {name: {one: doc[one] for one in ("state", "until", "why")} for name, doc in found.items()}

    async def _known(self, name: str, key: str) -> dict[str, Any]:
        doc: dict[str, Any] | None = await self._store.get(TENANT, KIND, name)
        if doc is None or not hmac.compare_digest(doc["key"].encode(), key.encode()):
            raise NotFound("no hub was given this address")
        return doc

    def _secret(self, doc: dict[str, Any]) -> bytes:
        """Nothing where another seal wrote it: then nothing is signed with it, and a new one is made."""
        try:
            return str(self._seal.read(_PURPOSE, doc["secret"])["secret"]).encode()
        except BadToken:
            return b""

    def _holds(self, doc: dict[str, Any], now: int) -> bool:
        left = _micros(doc["until"]) - now
        return bool(doc["state"] == "active" and left > doc["lease"] * 1_000_000 // 4)

    async def _put(self, name: str, doc: dict[str, Any]) -> None:
        async def work(tx: Transaction) -> None:
            await tx.put(TENANT, KIND, name, doc)

        await self._store.transact(work)

    async def _update(self, name: str, after: dict[str, Any]) -> None:
        async def work(tx: Transaction) -> None:
            doc = await tx.get(TENANT, KIND, name)
            if doc is not None:
                await tx.put(TENANT, KIND, name, {**doc, **after})

        await self._store.transact(work)


def signed(secret: bytes, signature: str, content: bytes) -> bool:
    """`signature`: the header X-Hub-Signature, method=hexdigest."""
    method, _, said = signature.strip().partition("=")
    if method not in METHODS:
        return False
    expected = hmac.new(secret, content, getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(expected.encode(), said.lower().encode())


def _micros(said: str) -> int:
    return clock.micros(said) if said else 0
