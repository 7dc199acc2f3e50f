"""Web push: encrypted for the one browser that asked for it (RFC 8291, 8188), signed with the city's key (RFC 8292), and posted to the push
service that this browser's maker runs.

The push address comes from whoever subscribes, so it is an address like any that a stranger names: only hosts that the city lists are believed,
only over https, at the port of https alone, without a user's name in it, and only where the address after name resolution is a public one.
"""

from __future__ import annotations

import re
import secrets
import struct
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from kitamae.kernel.context import clock
from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.people.jose import claims
from kitamae.kernel.people.jose.encoding import BadToken, decode, encode
from kitamae.kernel.people.jose.keys import Key
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.seal import WrongSeal
from kitamae.kernel.problems import BadRequest
from kitamae.kit.notices.area.announcement import SECOND, USE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.people.seal import Seal
    from kitamae.kit.notices.area.channel import Became, Message

RECORD: Final = 4096
"""Bytes of a record (RFC 8188), of which there is one: push services take no more."""
MOST: Final = RECORD - 86 - 17
"""Bytes of a message: what is left of it beside salt, key, delimiter and tag."""
_KEYS: Final = ("announcing", "vapid")
_PURPOSE: Final = "key of web push"
_SECONDS: Final = 10.0
HTTPS: Final = 443
_TOKEN: Final = 12 * 3_600
"""Seconds for which a signed name is good: RFC 8292 allows a day."""
_ADDRESS: Final = re.compile(r"[\x21-\x7e]{1,1000}")


def encrypted(
    content: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    ours: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes = b"",
) -> bytes:
    """The body for whoever holds the private half of `p256dh` (an uncompressed point of P-256) and the 16 bytes `auth`: RFC 8291, section 3.4.

    `ours`, `salt` (16 bytes): new ones unless a test brings them. Raises ValueError for what is no such key, or too long.
    """
    if len(content) > MOST or len(auth) != 16:
        raise ValueError("a push message has at most one record, and its secret 16 bytes")
    ours, salt = ours or ec.generate_private_key(ec.SECP256R1()), salt or secrets.token_bytes(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    public = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    info = b"WebPush: info\0" + p256dh + public
    key = HKDF(SHA256(), 32, salt=auth, info=info).derive(ours.exchange(ec.ECDH(), theirs))
    content_key = HKDF(SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(key)
    nonce = HKDF(SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(key)
    sealed = AESGCM(content_key).encrypt(nonce, content + b"\x02", None)
    return salt + struct.pack("!IB", RECORD, len(public)) + public + sealed


class Vapid:
    """The key by which push services know the city: made once, sealed in the store, the same in every worker."""

    def __init__(self, store: Store, seal: Seal, contact: str, *, now: Callable[[], int] = clock.now) -> None:
        """`contact`: where a push service reaches the operator, https: or mailto:."""
        self._store, self._seal, self._contact, self._now = store, seal, contact, now
        self._key: Key | None = None
        self._tokens: dict[str, tuple[int, str]] = {}

    async def public(self) -> str:
        """For `PushManager.subscribe`: the uncompressed point, base64url."""
        made = (await self._open()).public()
        return encode(b"\x04" + decode(made["x"]) + decode(made["y"]))

    async def header(self, endpoint: str) -> str:
        """`Authorization` for that push service."""
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        now = self._now() // SECOND
        until, token = self._tokens.get(origin, (0, ""))
        if until < now + _TOKEN // 2:
            until = now + _TOKEN
            said = {"aud": origin, "exp": until, "sub": self._contact}
            token = claims.issue(said, await self._open(), "ES256", typ="JWT")
            self._tokens[origin] = (until, token)
        return f"vapid t={token}, k={await self.public()}"

    async def _open(self) -> Key:
        if self._key is None:
            made = {"sealed": self._seal.write(_PURPOSE, Key.make("vapid").private())}

            async def work(tx: Transaction) -> Any:
                kept = await tx.get(TENANT, *_KEYS)
                if kept is None:
                    await tx.put(TENANT, *_KEYS, made)
                return kept or made

            kept: Any = await self._store.get(TENANT, *_KEYS) or await self._store.transact(work)
            try:
                self._key = Key.read(self._seal.read(_PURPOSE, kept["sealed"]))
            except BadToken:
                raise WrongSeal(
                    "the file of the seal is not the one that this city was sealed with"
                ) from None
        return self._key


class WebPush:
    """A `Channel`. `hosts`: push services, by name, `*.` before one for all below it."""

    name = "push"
    most = 1
    twice = True

    def __init__(self, vapid: Vapid, destinations: Destinations, hosts: Sequence[str]) -> None:
        self.vapid, self._destinations, self._hosts = vapid, destinations, tuple(hosts)
        self._session: aiohttp.ClientSession | None = None

    def demand(self, endpoint: str, p256dh: str, auth: str) -> dict[str, str]:
        """The address as it is kept. Raises BadRequest for one that the city will not send to."""
        self._check(endpoint)
        try:
            key = decode(p256dh)
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
            if len(key) != 65 or len(decode(auth)) != 16:
                raise ValueError
        except (BadToken, ValueError):
            raise BadRequest("p256dh, auth: expected the keys of a push subscription") from None
        return {"endpoint": endpoint, "p256dh": p256dh, "auth": auth}

    def _check(self, endpoint: str) -> None:
        """Raises BadRequest for an address that the city will not send to. The host is the one that the client itself reads out of it."""
        schemes = ("http", "https") if self._destinations.loopback else ("https",)
        if not _ADDRESS.fullmatch(endpoint):
            raise BadRequest("endpoint: expected the address of a push service")
        self._destinations.check(endpoint, schemes)
        if not _plain(endpoint):
            raise BadRequest("endpoint: this city does not know that push service")
        host = self.lane({"endpoint": endpoint})
        if not any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in self._hosts):
            raise BadRequest("endpoint: this city does not know that push service")

    def lane(self, to: Mapping[str, Any]) -> str:
        """See `Channel`: the name of the host, whatever else its address says."""
        return (URL(str(to["endpoint"])).raw_host or "").lower().rstrip(".")

    async def hand_over(self, to: Sequence[Mapping[str, Any]], message: Message) -> Became:
        """See `Channel`. A push service keeps it as long as it is of use, and of two with one number the later one (RFC 8030, 5.4)."""
        (one,) = to
        told = {"title": message.title, "body": message.line, "link": message.link, "tag": message.number}
        content = orjson.dumps({**told, "lang": message.language})
        endpoint = str(one["endpoint"])
        if not _plain(endpoint):
            return "gone"  # kept before such addresses were refused: no browser's
        try:
            signed = await self.vapid.header(endpoint)
        except WrongSeal:  # those who get mail or LINE are told all the same
            return "later"
        headers = {
            "Authorization": signed,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(USE // SECOND),
            "Topic": message.number,
            "Urgency": "high" if message.urgent else "normal",
        }
        try:
            self._check(endpoint)
            body = encrypted(content, decode(str(one["p256dh"])), decode(str(one["auth"])))
            if self._session is None:
                self._session = outward(self._destinations, seconds=_SECONDS)
            async with self._session.post(
                endpoint, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return _became(answer.status)
        except (BadRequest, ValueError):  # the operator does not allow that address any more
            return "refused"
        except (TimeoutError, aiohttp.ClientError, OSError):
            return "later"

    async def close(self) -> None:
        """See `Channel`."""
        if self._session is not None:
            await self._session.close()


def _plain(endpoint: str) -> bool:
    """Whether it names a host and nothing else: at another port anything may listen. On this machine, where tests are, ports are free."""
    url = URL(endpoint)
    here = url.raw_host in ("127.0.0.1", "::1", "localhost")
    return "@" not in urlsplit(endpoint).netloc and (here or url.port == HTTPS)


def _became(status: int) -> Became:
    if status in (404, 410):
        return "gone"
    if status == 429 or status >= 500:
        return "later"
    return "sent" if status // 100 == 2 else "refused"
