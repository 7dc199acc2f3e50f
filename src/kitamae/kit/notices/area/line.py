"""LINE's Messaging API: a line and a link to whoever is a friend of the city's account and chose what he wants to hear.

LINE learns that this user gets that line, and nothing else: no name, no area, no choice. What comes from LINE (a webhook) is believed by its
signature. Written after LINE's public reference; tried here against a stand-in only (docs/operate/notices.md).
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import aiohttp
import orjson

from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.problems import BadRequest, Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kit.notices.area.channel import Became, Message

_SECONDS: Final = 10.0
_TAKEN: Final = (200, 202, 409)
"""409: taken already under that X-Line-Retry-Key."""
_SPACE: Final = uuid.UUID("6d5f4f5e-5a0e-4f0c-9c63-9d6c3a6f2b10")


@dataclass(frozen=True, slots=True)
class Account:
    """The city's official account: `token` (channel access token) and `secret` (channel secret) are from LINE's console; `api`: where it is asked."""

    api: str
    token: str
    secret: str


class Event(NamedTuple):
    """What somebody did. `kind`: `follow`, `unfollow`, `message`, ...; `reply`: by which one answers him, "" where one cannot."""

    kind: str
    user: str
    reply: str


class Line:
    """A `Channel`, and the ear for what LINE tells."""

    name = "line"
    most = 500
    twice = True

    def __init__(self, account: Account, destinations: Destinations) -> None:
        self._account, self._destinations = account, destinations
        self._session: aiohttp.ClientSession | None = None

    def heard(self, body: bytes, signature: str) -> list[Event]:
        """What a webhook brings. Raises Forbidden where LINE did not sign it, BadRequest where it is not what LINE sends."""
        expected = b64encode(hmac.digest(self._account.secret.encode(), body, hashlib.sha256))
        if not hmac.compare_digest(expected, signature.encode("latin-1", "replace")):
            raise Forbidden("LINE did not sign this")
        try:
            told = orjson.loads(body)
            events: list[Any] = told["events"]
            return [
                Event(str(one["type"]), str(one["source"]["userId"]), str(one.get("replyToken", "")))
                for one in events
                if one.get("source", {}).get("type") == "user" and one["source"].get("userId")
            ]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise BadRequest("this is not what LINE sends") from None

    async def answer(self, event: Event, text: str) -> None:
        """To whoever just wrote. What LINE does not take is lost: he writes again."""
        told = {"replyToken": event.reply, "messages": [{"type": "text", "text": text}]}
        await self._post("reply", told, {})

    def lane(self, to: Mapping[str, Any]) -> str:
        """See `Channel`."""
        return "line"

    async def hand_over(self, to: Sequence[Mapping[str, Any]], message: Message) -> Became:
        """See `Channel`. LINE does the same thing once under the same key, for a day."""
        users = [str(one["user"]) for one in to]
        text = "\n".join((message.title, message.line, message.link))
        key = str(uuid.uuid5(_SPACE, message.group))
        told = {"to": users, "messages": [{"type": "text", "text": text}]}
        status = await self._post("multicast", told, {"X-Line-Retry-Key": key})
        if status in _TAKEN:
            return "sent"
        return "later" if status in (0, 429) or status >= 500 else "refused"

    async def close(self) -> None:
        """See `Channel`."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, what: str, told: Mapping[str, Any], more: Mapping[str, str]) -> int:
        """LINE's status; 0: it did not answer."""
        url = f"{self._account.api.rstrip('/')}/v2/bot/message/{what}"
        headers = {
            "Authorization": f"Bearer {self._account.token}",
            "Content-Type": "application/json",
            **more,
        }
        if self._session is None:
            self._session = outward(self._destinations, seconds=_SECONDS)
        try:
            self._destinations.check(url)
            async with self._session.post(
                url, data=orjson.dumps(told), headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (TimeoutError, BadRequest, aiohttp.ClientError, OSError):
            return 0
