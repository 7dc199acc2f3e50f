"""What is kept of providers, as documents of the store. Moments are RFC 3339 UTC, dates (YYYY-MM-DD) the city's own.

`provider`                          by number: `Provider`
`provider-of`                       by a person's reference: the numbers of the providers that he belongs to
`provider-invitation`               by the code's digest: {provider, by, expiresAt}
`contract`                          by id: `Contract`
`provider-key`                      by the token's number: `Key`; it stays when the token is gone, so that receipts keep a name
`provider-usage/<contract>/<month>` by `<day>/<key>`: `Counts`
`provider-statement`                by `<contract>/<month>/<n>`: `Statement`; never written a second time
`provider-paid`                     by the statement: what the desk noted of it

Members are opaque references. The contact of a volunteer, who is a person, is in the vault (purpose `providers`).
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from kitamae.kernel.people.providers.named import Leaf
from kitamae.kernel.responsibility import Party

PROVIDER: Final = "city-provider"  # "provider" are the keys of the OpenID Provider
OF: Final = "provider-of"
INVITATION: Final = "provider-invitation"
CONTRACT: Final = "contract"
KEY: Final = "provider-key"
USAGE: Final = "provider-usage/"
STATEMENT: Final = "provider-statement"
PAID: Final = "provider-paid"

Sort = Literal["company", "group", "public", "volunteer"]
"""会社, 団体, 公的機関, 個人のボランティア."""
State = Literal["applied", "accepted", "refused", "ended"]


class Said(TypedDict):
    """Who did something, when, and why where that is asked for."""

    at: str
    by: str
    why: NotRequired[str]


class Provider(TypedDict):
    """`role`: of whoever represents it (代表取締役), never a name. `contact`: of its office; "" for a volunteer, whose own is in the
    vault. `corporate`: 法人番号, "" for none.
    """

    number: str
    sort: Sort
    name: str
    role: str
    contact: str
    corporate: str
    about: str
    state: State
    members: list[str]
    applied: Said
    decided: NotRequired[Said]
    ended: NotRequired[Said]
    ledger: list[Leaf]


class Subcontractor(TypedDict):
    """再委託先. `under`: whose subcontractor it is; "": the provider's own. `where`: the country where it works; "" not said."""

    name: str
    does: str
    under: str
    where: str


class Boundary(TypedDict):
    """責任分界点: who answers for a part, and whom to call when it does not work. Left out: the provider answers, nobody is named."""

    part: str
    who: str
    of: NotRequired[Party]
    call: NotRequired[str]


class Version(TypedDict):
    """What a contract says. `service`: the id of a service of the city; "": one of the provider's own, which `title` names.
    `reads`, `writes`: entity types as the city's @context names them. `minute`, `day`: requests. `plan`: "" no fee is set.
    """

    version: int
    title: str
    service: str
    purposes: list[str]
    reads: list[str]
    writes: list[str]
    starts: str
    ends: str
    subcontractors: list[Subcontractor]
    boundaries: list[Boundary]
    minute: int
    day: int
    plan: str
    security: str
    prepared: Said
    confirmed: NotRequired[Said]
    accepted: NotRequired[Said]
    refused: NotRequired[Said]


class Contract(TypedDict):
    """All its versions, oldest first; at most the last one is not decided yet."""

    id: str
    provider: str
    versions: list[Version]
    ended: NotRequired[Said]
    ledger: list[Leaf]


class Key(TypedDict):
    """`number` is its token's, `token` the digest under which that lies. `purpose` "": open data. `until`: when it ends by itself."""

    number: str
    token: str
    contract: str
    provider: str
    purpose: str
    label: str
    writes: bool
    made: Said
    until: str
    next: NotRequired[str]
    revoked: NotRequired[Said]


class Counts(TypedDict):
    """Of one key on one day of the city's zone. `failed`: requests that the city answered with an error of its own (5xx); `refused`: over
    the quota, and so not among `read` and `write`. `bytes`: of answers, without their heads.
    """

    read: int
    write: int
    notification: int
    failed: int
    refused: int
    bytes: int


class Line(TypedDict):
    """`what`: base, usage, council or correction. `yen`: without tax, whole. `told`: the figures it was made from, in words a page can say."""

    what: Literal["base", "usage", "council", "correction"]
    yen: int
    taxed: bool
    told: dict[str, Any]


class Statement(TypedDict):
    """利用明細 of one month. `n` 0: made when the month was closed; others correct it. `plan`: as it was then; None: no fee is set."""

    id: str
    n: int
    contract: str
    provider: str
    name: str
    title: str
    version: int
    month: str
    starts: str
    ends: str
    used: Counts
    plan: dict[str, Any] | None
    lines: list[Line]
    net: int
    tax: int
    total: int
    why: str
    made: Said
    ledger: list[Leaf]


class Paid(TypedDict):
    """What the desk noted, oldest first; the last word counts."""

    events: list[dict[str, Any]]


def nothing() -> Counts:
    """A day on which nothing was used."""
    return {"read": 0, "write": 0, "notification": 0, "failed": 0, "refused": 0, "bytes": 0}


def add(one: Counts, other: Counts) -> Counts:
    """Both together."""
    return {
        "read": one["read"] + other["read"], "write": one["write"] + other["write"],
        "notification": one["notification"] + other["notification"], "failed": one["failed"] + other["failed"],
        "refused": one["refused"] + other["refused"], "bytes": one["bytes"] + other["bytes"],
    }  # fmt: skip
