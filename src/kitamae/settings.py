"""What an operator can choose: environment variables `KITAMAE_*`, or the options of `kitamae up`, which win.

Every setting is described in docs/operate/settings.md; a test fails when one is not.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """How this city runs. Durations and sizes carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="KITAMAE_", frozen=True, extra="ignore")

    data: Path = Field(Path("data"), description="The data directory; made when it is not there")
    city: Path | None = Field(None, description="The city profile to serve, e.g. cities/kaga")
    host: str = Field("127.0.0.1", description="The address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes any free one")
    open: bool = Field(False, description="Clients on this machine write without signing in (loopback only)")
    public_url: str = Field("", description="How people reach this server, e.g. https://city.example.jp")
    trusted_proxies: str = Field("", description="Addresses whose X-Forwarded-* headers are believed")
    log: Literal["console", "json"] = Field("console", description="The form of the log")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged"
    )
    session_hours: int = Field(10, ge=1, le=24 * 30, description="A sign-in ends after this time")
    link_minutes: int = Field(10, ge=1, le=60, description="A sign-in link works for this time, once")
    bad_credentials: int = Field(
        20, ge=1, description="Unknown credentials an address may send in five minutes"
    )
    min_free_mb: int = Field(200, ge=0, description="Not ready when the disk has less free space, in MB")
    max_owed_minutes: int = Field(15, ge=1, description="Degraded when a notification waits longer")
    max_body_mb: int = Field(10, ge=1, description="The largest request body that is read, in MB")
    fetch_contexts: str = Field(
        "", description="Hosts a @context may be fetched from, comma-separated; empty: none"
    )

    @model_validator(mode="after")
    def _open_stays_here(self) -> Self:
        if self.open and not is_loopback(self.host):
            raise ValueError(
                f"--open lets anybody who reaches the server write, so it is refused on {self.host}: "
                "listen on 127.0.0.1, or leave --open out and use `kitamae token`"
            )
        return self

    @property
    def secure(self) -> bool:
        """Whether people reach this server over TLS, so that cookies may demand it."""
        return self.public_url.startswith("https://")
