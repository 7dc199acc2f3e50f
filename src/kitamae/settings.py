"""What an operator can choose: environment variables `KITAMAE_*`, or the options of `kitamae up`, which win.

Every setting is described in docs/operate/settings.md; a test fails when one is not.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listed(text: str) -> list[str]:
    """`a, b` -> ["a", "b"]."""
    return [part.strip() for part in text.split(",") if part.strip()]


class Settings(BaseSettings):
    """How this city runs. Durations and sizes carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="KITAMAE_", frozen=True, extra="ignore")

    data: Annotated[Path, Field(description="The data directory; made when it is not there")] = Path("data")
    city: Annotated[Path | None, Field(description="The city profile to serve, e.g. cities/kaga")] = None
    host: Annotated[str, Field(description="The address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="The port to listen on; 0 takes any free one")] = (
        8080
    )
    open: Annotated[
        bool, Field(description="Clients on this machine write without signing in (loopback only)")
    ] = False
    public_url: Annotated[
        str, Field(description="How people reach this server, e.g. https://city.example.jp")
    ] = ""
    alias: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._~-]{0,63}$",
            description="The broker's name among others (contextSourceAlias); one of its own unless told",
        ),
    ] = ""
    trusted_proxies: Annotated[
        str, Field(description="Addresses whose X-Forwarded-* headers are believed")
    ] = ""
    tls_certificate: Annotated[
        Path | None,
        Field(description="The certificate (PEM, with its chain) when Kitamae speaks TLS itself"),
    ] = None
    tls_key: Annotated[Path | None, Field(description="The private key of that certificate (PEM)")] = None
    log: Annotated[Literal["console", "json"], Field(description="The form of the log")] = "console"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least that is logged")
    ] = "info"
    session_hours: Annotated[int, Field(ge=1, le=24 * 30, description="A sign-in ends after this time")] = 10
    link_minutes: Annotated[
        int, Field(ge=1, le=60, description="A sign-in link works for this time, once")
    ] = 10
    bad_credentials: Annotated[
        int, Field(ge=1, description="Unknown credentials an address may send in five minutes")
    ] = 20
    min_free_mb: Annotated[
        int, Field(ge=0, description="Not ready when the disk has less free space, in MB")
    ] = 200
    max_owed_minutes: Annotated[int, Field(ge=1, description="Degraded when a notification waits longer")] = (
        15
    )
    max_owed: Annotated[
        int, Field(ge=1, description="Notifications that are kept for one receiver which does not answer")
    ] = 100_000
    max_owed_mb: Annotated[
        int, Field(ge=1, description="What is kept for one receiver by all its subscriptions together, in MB")
    ] = 1_000
    max_subscriptions_of_one: Annotated[
        int, Field(ge=1, description="Subscriptions of one person or token, in a tenant")
    ] = 5_000
    max_registrations: Annotated[
        int, Field(ge=1, description="Registrations of other sources, in a tenant")
    ] = 1_000
    max_contexts: Annotated[int, Field(ge=1, description="Hosted @contexts, in a tenant")] = 1_000
    kept_page_seconds: Annotated[
        float,
        Field(
            ge=0, le=60, description="The least time between two drawings of a page that everybody sees alike"
        ),
    ] = 1.0
    worker: Annotated[
        bool,
        Field(
            description="Pages are kept in the reader's browser; false takes the worker away from every browser"
        ),
    ] = True
    outside: Annotated[
        str,
        Field(
            description="Where pages are kept that outlive the server: folders, sftp://, s3://, comma-separated"
        ),
    ] = ""
    max_body_mb: Annotated[int, Field(ge=1, description="The largest request body that is read, in MB")] = 16
    history_page: Annotated[
        int,
        Field(ge=1, description="Instances of one attribute in an answer about history; the rest is a 206"),
    ] = 10_000
    history_months: Annotated[
        int, Field(ge=0, le=1200, description="Whole months of history before they go into files; 0: never")
    ] = 13
    fetch_contexts: Annotated[
        str, Field(description="Hosts a @context may be fetched from, comma-separated; empty: none")
    ] = ""

    deliver_to: Annotated[
        str,
        Field(
            description="Networks beside the public internet that notifications may go to, e.g. 10.1.0.0/16"
        ),
    ] = ""

    store: Annotated[
        str,
        Field(description="The PostgreSQL that keeps the state, postgresql://...; empty: the data directory"),
    ] = ""

    keys: Annotated[
        str,
        Field(description="The PostgreSQL that keeps persons' keys; empty: keys.db in the data directory"),
    ] = ""
    city_key: Annotated[
        str,
        Field(
            description="Where the city's key comes from: a file, env:NAME, pkcs11:...; city.key unless told"
        ),
    ] = ""
    keys_backup_days: Annotated[
        int,
        Field(
            ge=1,
            le=90,
            description="A backup of persons' keys is restored within so many days, and then never",
        ),
    ] = 7
    backup_to: Annotated[
        str,
        Field(
            description="Whom a backup is encrypted to: age1..., comma-separated; empty: it is not encrypted"
        ),
    ] = ""

    stay: Annotated[bool, Field(description="Serve a city that has moved away from here, as it was then")] = (
        False
    )

    seal: Annotated[
        Path | None,
        Field(description="The file with the key of what only this city reads again, shared by all workers"),
    ] = None

    residents_issuer: Annotated[
        str,
        Field(
            description="デジタル認証アプリ as it names itself, https://...; empty: residents cannot sign in"
        ),
    ] = ""
    residents_client: Annotated[
        str,
        Field(
            pattern=r"^[0-9A-Za-z]{0,255}$",
            description="The client id that デジタル認証アプリ gave this city",
        ),
    ] = ""
    residents_key: Annotated[
        Path | None,
        Field(description="The file with our private key for it, a JWK whose public half it was given"),
    ] = None
    demo_residents: Annotated[
        bool,
        Field(
            description="A stand-in of デジタル認証アプリ with four invented residents: for demonstrations only"
        ),
    ] = False

    mail: Annotated[
        str,
        Field(
            description="The mail server for visitors' links, smtp://user:password@host:587 or smtps://..."
        ),
    ] = ""
    mail_from: Annotated[str, Field(description="The address that such letters come from")] = ""

    jma: Annotated[
        str,
        Field(
            description="Where the Atom feeds of 気象庁防災情報XML are, https://.../feed; empty: they are not followed"
        ),
    ] = ""
    jma_hub: Annotated[
        str, Field(description="The hub (WebSub) that tells at once what is new in those feeds; empty: none")
    ] = ""
    line_token: Annotated[
        str, Field(description="The channel access token of the city's LINE account; empty: LINE is not used")
    ] = ""
    line_secret: Annotated[
        str, Field(description="The channel secret, by which LINE signs what it tells")
    ] = ""
    line_api: Annotated[str, Field(description="Where LINE's Messaging API is asked")] = "https://api.line.me"

    mqtt: Annotated[
        str, Field(description="The MQTT broker whose devices the city hears, e.g. mqtt://127.0.0.1:1883")
    ] = ""

    stream: Annotated[
        str, Field(description="The NATS server that is given every change, e.g. nats://127.0.0.1:4222")
    ] = ""
    stream_days: Annotated[float, Field(gt=0, description="How long NATS keeps a change, in days")] = 7

    witnesses: Annotated[
        Path | None,
        Field(description="A file that names the witnesses who cosign the city's ledger (C2SP tlog-policy)"),
    ] = None

    @property
    def networks(self) -> list[str]:
        """`deliver_to`, one by one."""
        return listed(self.deliver_to)

    @classmethod
    def chosen(cls, **given: Any) -> Self:
        """What was given on the command line (None: not given) over the environment. Raises ValidationError."""
        return cls(**{name: value for name, value in given.items() if value is not None})

    @model_validator(mode="after")
    def _networks_are_networks(self) -> Self:
        for one in self.networks:
            ipaddress.ip_network(one)  # its ValueError names what is wrong
        return self

    @field_validator("jma", "jma_hub")
    @classmethod
    def _an_address_to_ask(cls, given: str) -> str:
        parts = urlsplit(given)
        if given and not (parts.scheme in ("http", "https") and parts.hostname and not parts.query):
            raise ValueError(f"expected the address of a server, https://..., got {given!r:.80}")
        return given

    @model_validator(mode="after")
    def _stream_is_nats(self) -> Self:
        if self.stream and not self.stream.startswith(("nats://", "tls://")):
            raise ValueError(
                f"expected the address of a NATS server, nats://... or tls://..., got {self.stream!r:.80}"
            )
        return self

    @model_validator(mode="after")
    def _residents_come_one_way(self) -> Self:
        real = (self.residents_issuer, self.residents_client, self.residents_key)
        if self.demo_residents and any(real):
            raise ValueError(
                "the stand-in with its invented residents is never served beside the real デジタル認証アプリ: leave out "
                "--demo-residents or KITAMAE_RESIDENTS_*"
            )
        if any(real) and not all(real):
            raise ValueError(
                "デジタル認証アプリ needs KITAMAE_RESIDENTS_ISSUER, KITAMAE_RESIDENTS_CLIENT and KITAMAE_RESIDENTS_KEY"
            )
        parts = urlsplit(self.residents_issuer)
        here = self.open and is_loopback(parts.hostname or "")
        if self.residents_issuer and (
            not parts.hostname or parts.query or parts.fragment or (parts.scheme != "https" and not here)
        ):
            raise ValueError(f"expected the https address of an issuer, got {self.residents_issuer!r:.80}")
        return self

    @field_validator("public_url")
    @classmethod
    def _an_address_for_browsers(cls, given: str) -> str:
        parts = urlsplit(given)
        if given and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError(f"expected an address such as https://city.example.jp, got {given!r:.80}")
        return given

    @model_validator(mode="after")
    def _a_certificate_has_a_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("KITAMAE_TLS_CERTIFICATE and KITAMAE_TLS_KEY belong together")
        if self.tls_certificate and self.public_url.startswith("http://"):
            raise ValueError("KITAMAE_PUBLIC_URL: with a certificate people reach the server over https://")
        return self

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        parts = urlsplit(self.mail)
        if self.mail and not (
            (parts.scheme in ("smtp", "smtps") and parts.hostname) or (parts.scheme == "file" and parts.path)
        ):
            raise ValueError("KITAMAE_MAIL: expected smtp://host, smtps://host, or file:///folder for tests")
        if bool(self.mail) != bool(self.mail_from):
            raise ValueError("KITAMAE_MAIL and KITAMAE_MAIL_FROM belong together")
        return self

    @model_validator(mode="after")
    def _line_is_whole(self) -> Self:
        if bool(self.line_token) != bool(self.line_secret):
            raise ValueError("KITAMAE_LINE_TOKEN and KITAMAE_LINE_SECRET belong together")
        parts = urlsplit(self.line_api)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ValueError(f"KITAMAE_LINE_API: expected an https address, got {self.line_api!r:.80}")
        return self

    @model_validator(mode="after")
    def _stores_are_postgresql(self) -> Self:
        for name, dsn in (("--store", self.store), ("--keys", self.keys)):
            if dsn and not dsn.startswith(("postgresql://", "postgres://")):
                raise ValueError(
                    f"{name}: expected an address such as postgresql://kitamae@db.example.jp/city"
                )
        if self.keys and self.keys == self.store:
            raise ValueError("--keys: persons' keys lie apart from the state, in another database or schema")
        return self

    @property
    def kept_in(self) -> str:
        """Where the state is, without any password: for people."""
        if not self.store:
            return str(self.data)
        parts = urlsplit(self.store)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

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
        return self.public_url.startswith("https://") or self.tls_certificate is not None
