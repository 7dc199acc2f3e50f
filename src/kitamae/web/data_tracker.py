"""Estonia's data tracker interface (Andmejälgija, version 2.1.0), unchanged: who used the data about a person, for any portal that
speaks it. `/v2/findUsage`, `/v2/usagePeriod`, `/v2/heartbeat`; NGSIv2, which also lives under `/v2`, has no such addresses.

A usage is a receipt of the vault. A person who is signed in asks about himself; a portal asks with a token for
`read:person:data-tracker`, and that it asked is a receipt too. `X-Road-UserId` says for whom the portal asks: where that is another
person than `userCode`, there is nothing to show, because one person's log never shows to another, whatever they are to each other.
The description knows 200, 400 and 500 alone, so this is an empty list and no error, and so is a person whom nobody knows here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import BadRequest, Forbidden, NotSignedIn
from kitamae.web.my.ground import MANDATE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers import Provider
    from kitamae.kernel.people.vault import Receipt, Vault

PURPOSE: Final = "data-tracker"
"""What a portal's token names: showing a person who used the data about him."""
PATHS: Final = frozenset({"/v2/findUsage", "/v2/usagePeriod", "/v2/heartbeat"})
MOST: Final = 10_000
"""The newest receipts of a person that are looked at."""
PAGE: Final = 1_000

_INT32: Final = 2**31
_NUMBER: Final = re.compile(r"-?\d{1,10}", re.ASCII)
_PERSON: Final = re.compile(r"[\w][\w.:@-]{0,127}")
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:)(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Cookie, Authorization"}
_SECOND: Final = 1_000_000
_OURS: Final = {
    "retention": "保存期間が終わったデータを消すこと",
    "withholding": "記録を見せる日を決めること",
    "consents": "同意と代理の記録",
}
"""What nobody declares, because the vault does it of itself."""
_ACTS: Final = {"read": "", "wrote": "（記録を書きました）", "erased": "（記録を消しました）"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who processes data here: 全国地方公共団体コード, the name, and a system's name by the service's id ("": the city's own)."""

    code: str
    name: str
    systems: Mapping[str, str]

    def system(self, purpose: str) -> str:
        """A service's purposes begin with its id and a point."""
        service, point, _ = purpose.partition(".")
        return self.systems.get(service if point else "", self.systems.get("", ""))


def routes(
    vault: Callable[[], Vault],
    receiver: Receiver,
    names: Callable[[Iterable[str]], Awaitable[Mapping[str, Provider]]],
) -> list[Route]:
    """The three addresses. `vault()` raises VaultClosed; `names`: of references in receipts, whose keys they are."""

    async def find_usage(request: Request) -> Response:
        """Who used the data about a person, newest first, as Estonia's data tracker asks for it."""
        query = request.query_params
        portal, person = request.headers.get("x-road-userid"), query.get("userCode")
        if portal is None:
            raise BadRequest("X-Road-UserId: the header says for whom you ask, and it is missing")
        if person is None:
            raise BadRequest("userCode: whose data is it about?")
        begin, end = _moment(request, "periodStart"), _moment(request, "periodEnd")
        offset, limit = _number(request, "offset", 0), _number(request, "limit", PAGE)
        asked = _asked(asking(request.scope), person)
        found: list[Receipt] = []
        if portal == person and _PERSON.fullmatch(person):
            found = [
                one
                for one in await vault().receipts(asked, _INT32 << 31, MOST)
                if (begin is None or begin <= one.at) and (end is None or one.at <= end)
            ]
        page = found[offset : offset + min(limit, PAGE)]
        owners = await names(one.who for one in page)
        titles = {one.name: one.title.get("ja", "") for one in vault().purposes}
        rows = [_usage(one, receiver, owners.get(one.who), titles.get(one.purpose, "")) for one in page]
        return _json({"totalUsages": len(found), "usages": rows})

    async def usage_period(request: Request) -> Response:
        """Since when receipts are kept."""
        kept = vault().purposes.receipts_whole
        return _json({"periodStart": clock.text((clock.now() - kept * DAY) // _SECOND * _SECOND)})

    async def heartbeat(request: Request) -> Response:
        """Whether receipts can be read."""
        try:
            vault()
        except VaultClosed as closed:
            return _json({"status": "FAIL", "message": closed.detail})
        return _json({"status": "OK"})

    return [
        Route("/v2/findUsage", find_usage, methods=["GET"]),
        Route("/v2/usagePeriod", usage_period, methods=["GET"]),
        Route("/v2/heartbeat", heartbeat, methods=["GET"]),
    ]


def _asked(who: Principal, person: str) -> Asked:
    """A person about himself, a program for the declared purpose. Raises NotSignedIn, Forbidden."""
    if who.role == "anyone":
        raise NotSignedIn(f"sign in, or send a token for read:person:{PURPOSE}")
    if who.session:
        if who.ref != person:
            raise Forbidden("one's own log is shown to oneself alone")
        return Asked(who, OWN, (person,))
    if f"read:person:{PURPOSE}" not in who.scopes:
        raise Forbidden(f"this token is not for read:person:{PURPOSE}")
    return Asked(who, PURPOSE, (person,))


def _usage(one: Receipt, receiver: Receiver, owner: Provider | None, title: str) -> dict[str, str]:
    """`action` says the purpose in words (`title`, "" where nobody declares it any more), and what was done where that was no look; who it was at the town hall is told to the person on My page, not to portals. `owner`: the provider whose
    key it was, who is then the receiver, with its 法人番号 where it has one.
    """
    return {
        "logtime": clock.text(one.at),
        "action": _action(one, title),
        "receiverCode": (owner["corporate"] or owner["number"]) if owner else receiver.code,
        "receiverName": owner["name"] if owner else receiver.name,
        "receiverSystem": receiver.system(one.purpose),
    }


def _action(one: Receipt, title: str) -> str:
    """In Japanese, as a portal shows it to the person."""
    if one.purpose == OWN:
        return "代理人が見ました" if one.basis.startswith(MANDATE) else "本人が見ました"
    return (_OURS.get(one.purpose) or title or one.purpose) + _ACTS[one.act]


def _number(request: Request, name: str, default: int) -> int:
    """An int32, as the description has it; below zero it is none. Raises BadRequest."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not -_INT32 <= int(text) < _INT32:
        raise BadRequest(f"{name}: expected a whole number of 32 bits")
    return max(0, int(text))


def _moment(request: Request, name: str) -> int | None:
    """RFC 3339 as the description has it, with leap seconds, any fraction and the year 0. Raises BadRequest."""
    text = request.query_params.get(name)
    if text is None:
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise BadRequest(f"{name}: expected a date and time such as 2021-01-31T10:20:30Z")
    head, second, fraction, zone = match.groups()
    if head.startswith("0000"):
        head = "0001" + head[4:]
    if second == "60":
        second = "59"
    at = clock.micros(f"{head}{second}{zone}", name)
    return at + int((fraction or "0")[:6].ljust(6, "0"))


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), 200, _HEADERS, "application/json")
