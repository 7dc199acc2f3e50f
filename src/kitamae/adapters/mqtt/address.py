"""`mqtt://user:password@host:1883` and `mqtts://…`: where an MQTT broker is and how to enter."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """`shown` never has the password."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises ValueError, without the password in it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if (
            parts.scheme not in ("mqtt", "mqtts")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
        ):
            raise ValueError("expected the address of an MQTT broker such as mqtt://127.0.0.1:1883")
        tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname,
            port or (8883 if tls else 1883),
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            tls,
        )

    @property
    def shown(self) -> str:
        """For logs and reports."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext | None:
        """The machine's trusted authorities, where TLS is asked for."""
        return ssl.create_default_context() if self.tls else None
