"""Notifications to MQTT endpoints (clauses 5.8.6 and 7.2): `mqtt[s]://[user[:password]@]host[:port]/topic`.

The message is one JSON object: `metadata` is what HTTP has in headers, `body` the notification; of NGSIv2, which has no
such envelope, it is the notification. Connections are kept
for the next message; each goes to an address that was checked after name resolution, as those of HTTP do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import aiomqtt
import orjson

from kitamae.adapters.mqtt.address import Address
from kitamae.kernel.context.subscription.destinations import Destinations, Refused
from kitamae.kernel.context.subscription.post import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSIONS: Final = {
    "mqtt3.1.1": aiomqtt.ProtocolVersion.V311,
    "mqtt5.0": aiomqtt.ProtocolVersion.V5,
}
_MOST: Final = 64
"""Connections that are kept; beyond that the one longest unused is closed."""


class Notifier:
    """A `subscription.post.Sender`. `timeout` in seconds, for connecting and for each message."""

    def __init__(self, destinations: Destinations, timeout: float) -> None:
        self._destinations, self._timeout = destinations, timeout
        self._lines: dict[tuple[Address, str], _Line] = {}

    async def send(
        self,
        uri: str,
        body: bytes,
        headers: Mapping[str, str],
        info: Mapping[str, str],
        within: float | None = None,
    ) -> tuple[Outcome, str]:
        """What became of it, and why in a few words; `info` is the endpoint's notifierInfo, and MQTT-Retain."""
        parts = urlsplit(uri)
        topic = unquote(parts.path.removeprefix("/"))
        if not topic or set(topic) & set("+#\0"):
            return Outcome.REFUSED, f"not a topic to publish to: {topic!r:.80}"
        address = Address.parse(f"{parts.scheme}://{parts.netloc}")
        line = await self._line(address, info.get("MQTT-Version", "mqtt5.0"))
        message = (
            orjson.dumps({"metadata": dict(headers), "body": orjson.Fragment(body)}) if headers else body
        )
        limit = min(within, self._timeout) if within else self._timeout
        try:
            async with asyncio.timeout(limit):
                await line.publish(
                    topic, message, int(info.get("MQTT-QoS", "0")), retain=info.get("MQTT-Retain") == "true"
                )
        except (TimeoutError, aiomqtt.MqttError, OSError, ValueError) as trouble:
            await line.close()
            return Outcome.SILENT, f"{address.shown}: {type(trouble).__name__} {trouble}"[:200]
        return Outcome.DELIVERED, "published"

    async def close(self) -> None:
        """Say goodbye everywhere."""
        lines, self._lines = [*self._lines.values()], {}
        await asyncio.gather(*(line.close() for line in lines))

    async def _line(self, address: Address, version: str) -> _Line:
        key = address, version
        line = self._lines.pop(key, None)
        if line is None:
            line = _Line(address, version, self._destinations, self._timeout)
        self._lines[key] = line  # the last one used is the last one closed
        if len(self._lines) > _MOST:
            await self._lines.pop(next(iter(self._lines))).close()
        return line


class _Line:
    """One connection, made when it is needed; messages one after the other."""

    def __init__(self, address: Address, version: str, destinations: Destinations, timeout: float) -> None:
        self._address, self._version = address, _VERSIONS[version]
        self._destinations, self._timeout = destinations, timeout
        self._client: aiomqtt.Client | None = None
        self._turn = asyncio.Lock()

    async def publish(self, topic: str, message: bytes, qos: int, *, retain: bool = False) -> None:
        """Until it is acknowledged as `qos` asks. Raises MqttError, OSError, TimeoutError."""
        async with self._turn:
            if self._client is not None:
                try:
                    await self._client.publish(topic, message, qos, retain, timeout=self._timeout)
                except aiomqtt.MqttError:  # it was closed meanwhile, perhaps long ago: once more, anew
                    await self._leave()
                else:
                    return
            client = await self._connected()
            await client.publish(topic, message, qos, retain, timeout=self._timeout)

    async def close(self) -> None:
        """The next message connects anew."""
        async with self._turn:
            await self._leave()

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                await client.__aexit__(None, None, None)

    async def _connected(self) -> aiomqtt.Client:
        address = self._address
        client = aiomqtt.Client(
            await self._allowed(),
            address.port,
            username=address.username,
            password=address.password,
            protocol=self._version,
            tls_context=_NamedContext.of(address.host) if address.tls else None,
            timeout=self._timeout,
        )
        await client.__aenter__()
        self._client = client
        return client

    async def _allowed(self) -> str:
        """An address of the host that the operator allows: what is connected to is what was checked."""
        host, port = self._address.host, self._address.port
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, (ip, *_rest) in found:
            if self._destinations.allows(str(ip)):
                return str(ip)
        raise Refused(f"{host}: the operator of this city does not allow connections to its address")


class _NamedContext(ssl.SSLContext):
    """Checks the certificate for the host's name, though the connection is to its address."""

    name: str

    @classmethod
    def of(cls, name: str) -> _NamedContext:
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        context.name = name
        return context

    def wrap_socket(self, *args: Any, **how: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**how, "server_hostname": self.name})
