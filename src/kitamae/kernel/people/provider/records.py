"""What the provider keeps, as documents of the store. Secrets are kept as digests; times are RFC 3339 UTC.

`client`   by id:                   Client
`consent`  by person and client:    {person, client, scope, at, subject}    `subject`: what the client knows the person as
`consent-withdrawn` by the same:    {at}     the last time that it was taken back: no restore brings back what was agreed to before (`ended.py`)
`code`     by the code's digest:    Code     kept until it expires when it is spent: a second use ends the grant
`logout`   by id:                   {client, subject, sid, ...}      what a client is still to be told (`owing.py`)
`grant`    by id:                   Grant    what a person allowed a client; dropping it ends all its tokens
`access`   by the token's digest:   {grant, expiresAt}
`refresh`  by the token's digest:   {grant, spent, expiresAt}    spent ones are kept, to notice that one was stolen
`provider` "keys":                  [{kid, sealed, createdAt}]   oldest first
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Authentication = Literal["none", "client_secret_basic", "private_key_jwt"]


class Client(TypedDict):
    """A service or a partner that the operator registered. `name` and `purpose` stand on the page that asks for consent. `backchannel`:
    where it is told that somebody signed out.
    """

    id: str
    name: str
    purpose: str
    redirects: list[str]
    logouts: list[str]
    backchannel: NotRequired[str]
    authentication: Authentication
    secret: str | None  # digest
    keys: dict[str, Any] | None  # JWK set
    createdAt: str


class Code(TypedDict):
    """A code that was handed to a browser: of that session, which the client knows as `sid`."""

    client: str
    person: str
    role: str
    assurance: int
    scope: str
    redirect: str
    challenge: str
    nonce: str
    authTime: int  # seconds since 1970
    session: str
    sid: str
    grant: str  # "" until it is spent
    expiresAt: str


class Grant(TypedDict):
    """What a person allowed a client. `sid` is missing in what was written before there was one."""

    client: str
    person: str
    role: str
    assurance: int
    scope: str
    authTime: int
    sid: NotRequired[str]
    expiresAt: str
