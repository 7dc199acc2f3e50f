"""Stand-ins on loopback for whoever carries notices: a push service with a browser's own keys, and LINE's Messaging API.

The push service is what RFC 8030 says of one, as far as the city sees it; the stand-in of LINE takes what LINE's public reference shows. Neither is the real one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from receivers import Receiver

TOKEN, SECRET = "channel-token", "channel-secret"


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Browser:
    """A push subscription: its keys, and what it can read with them (RFC 8291, the receiver's half)."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey | None = None, auth: bytes = b"sixteen bytes ab"
    ) -> None:
        self.key, self.auth = key or ec.generate_private_key(ec.SECP256R1()), auth
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": encode(self.public), "auth": encode(self.auth)}

    def read(self, body: bytes) -> bytes:
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(body) <= size
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        info = b"WebPush: info\0" + self.public + sender
        key = HKDF(SHA256(), 32, salt=self.auth, info=info).derive(self.key.exchange(ec.ECDH(), point))
        content_key = HKDF(SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(key)
        nonce = HKDF(SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(key)
        content = AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert content[-1:] == b"\x02"
        return content[:-1]


class PushService:
    """Takes messages at `/push/<name>`; `answers` by name, 201 where nothing is said. `pause`: seconds before it answers."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any, bytes]] = []
        self.answers: dict[str, int] = {}
        self.pause = 0.0
        self.receiver = Receiver(self._take)

    async def _take(self, receiver: Receiver, request: web.Request) -> web.StreamResponse:
        name, body = request.path.rpartition("/")[2], await request.read()
        status = self.answers.get(name, 201)
        if status < 300:
            self.taken.append((name, dict(request.headers), body))
        await asyncio.sleep(self.pause)
        return web.Response(status=status)

    async def __aenter__(self) -> PushService:
        await self.receiver.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.receiver.silence()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.receiver.port}/push/{name}"

    def times(self) -> Counter[str]:
        return Counter(name for name, _, _ in self.taken)


class Line:
    """The stand-in of LINE's Messaging API: does the same thing once under one X-Line-Retry-Key, as LINE says of itself. `lost`: it does
    what it is asked for, and its answer is a gateway's that waited too long.
    """

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []
        self.keys: set[str] = set()
        self.status = 200
        self.lost = False
        self.receiver = Receiver(self._take)

    async def _take(self, receiver: Receiver, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        told, key = await request.json(), request.headers.get("X-Line-Retry-Key", "")
        if self.status != 200:
            return web.Response(status=self.status)
        if key and key in self.keys:
            return web.Response(status=409)
        self.keys |= {key}
        self.said.append((request.path.rpartition("/")[2], told))
        if self.lost:
            return web.Response(status=504)  # it took it, and the answer went astray
        return web.json_response({})

    async def __aenter__(self) -> Line:
        await self.receiver.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.receiver.silence()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}"


def signed(*events: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """A webhook as LINE sends it, and its headers."""
    body = json.dumps({"destination": "U0", "events": list(events)}).encode()
    mark = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    return body, {"X-Line-Signature": mark}


def event(kind: str, user: str = "U1", reply: str = "r1") -> dict[str, Any]:
    return {"type": kind, "replyToken": reply, "source": {"type": "user", "userId": user}}
