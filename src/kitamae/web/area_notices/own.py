"""`/disaster/notices`: who wants to be told chooses what, for which districts, in which language and how; and leaves with one tap.

By web push and LINE nobody needs an account, and the city holds no name. By e-mail it writes to the address of My page, to who agreed to that.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.seal import WrongSeal
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.problems import BadRequest, Problem, TooMany, TooManyRequests
from kitamae.kit.notices.area.choice import MOST, WHOLE, Choice
from kitamae.web.area_notices.line import PURPOSE
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, word
from kitamae.web.evacuation.districts import by_row
from kitamae.web.languages import NAMES, TAGS, known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.seal import Seal
    from kitamae.kernel.registers.evacuation_state import District
    from kitamae.kit.notices.addresses import Addresses
    from kitamae.kit.notices.area.push import WebPush
    from kitamae.kit.notices.area.sender import Sender
    from kitamae.kit.notices.area.subscribers import Subscribers
    from kitamae.web.page import ShellPage

HERE: Final = "/disaster/notices"
_OFTEN: Final = 100
"""Forms from one address in five minutes: behind one there may be a whole shelter."""
_OFTEN_WIDE: Final = 300
"""From one /48 of IPv6, of which a single customer may have 65,536 networks."""
_FIELDS: Final = 5_000
_ID: Final = re.compile(r"[0-9a-f]{32}")


def routes(
    page: ShellPage,
    subscribers: Subscribers,
    sender: Sender,
    push: WebPush,
    addresses: Addresses,
    seal: Seal,
    districts: Callable[[], Awaitable[Sequence[tuple[str, District]]]],
) -> list[Route]:
    """`districts()`: (reading, district) by reading."""
    throttle, wider = Throttle(_OFTEN), Throttle(_OFTEN_WIDE)

    async def show(
        request: Request,
        failed: Problem | None = None,
        given: Choice | None = None,
        token: str | None = None,
    ) -> Response:
        """`token`: of a user of LINE, as a form brought it; None: as the address has it."""
        token = request.query_params.get("line", "") if token is None else token
        who, user = asking(request.scope), _user(token)
        mine = await subscribers.at("line", user) if user else None
        address = await _address(who)
        written = await subscribers.at("mail", who.ref) if address else None
        former = mine or written
        choice = given or (former.choice if former else Choice(page.language(request)))
        return page.render(
            request,
            "area-notices.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            choice=choice,
            rows=by_row(await districts()),
            languages=[(code, TAGS[code], NAMES[code]) for code in page.shell.languages],
            key=await _key() if page.shell.worker else "",
            line=token if user else "",
            old_line=bool(token) and not user,
            on_line=mine,
            has_line="line" in sender.channels,
            has_mail="mail" in sender.channels,
            address=address,
            written=written,
            rehearsal=sender.rehearsal,
            failed=(failed.detail or failed.title) if failed else "",
            done=request.query_params.get("done", ""),
            csrf=request.scope.get("csrf", ""),
            action=HERE,
        )

    async def _address(who: Any) -> str:
        """Made sure, and he agrees; "" for none."""
        if not who.session or who.acting or "mail" not in sender.channels:
            return ""
        kept = await addresses.of(who)
        return kept.email if kept.agreed else ""

    async def _key() -> str:
        """Of web push; "" where the city's key was sealed with another seal: mail and LINE go on."""
        try:
            return await push.vapid.public()
        except WrongSeal:
            return ""

    async def index(request: Request) -> Response:
        return await show(request)

    async def choose(request: Request) -> Response:
        form = await sent(request, fields=_FIELDS)
        choice: Choice | None = None
        try:
            _rate(request)
            choice = _chosen(form, {one["id"]: one["name"] for _, one in await districts()})
            by = word(form, "by")
            if by == "push":
                to = push.demand(*(word(form, name) for name in ("endpoint", "p256dh", "auth")))
                await subscribers.keep("push", to, choice)
            elif by == "line" and (user := _user(word(form, "line"))):
                await subscribers.keep("line", {"user": user}, choice)
            elif by == "mail" and await _address(who := asking(request.scope)):
                await subscribers.keep("mail", {"person": who.ref}, choice)
            else:
                raise BadRequest("by: choose how you want to be told")
        except (BadRequest, TooMany, TooManyRequests) as problem:
            return await show(request, problem, choice, word(form, "line"))
        return away(f"{HERE}?done={by}")

    async def leave(request: Request) -> Response:
        """A browser by its push address, a user of LINE by his link, who is signed in by himself."""
        form = await sent(request)
        _rate(request)
        gone = False
        if endpoint := word(form, "endpoint"):
            gone = await subscribers.leave(subscribers.id("push", endpoint))
        elif token := word(form, "line"):
            if not (user := _user(token)):
                return await show(request, token=token)  # too old: of nobody else's notices is it said
            gone = await subscribers.leave(subscribers.id("line", user))
        elif (who := asking(request.scope)).session and not who.acting:
            gone = await subscribers.leave(subscribers.id("mail", who.ref))
        return away(f"{HERE}?done=left" if gone else HERE)

    async def leaving(request: Request) -> Response:
        """By the link in an e-mail: looking changes nothing, for mail programs look ahead."""
        id = request.path_params["id"]
        there = await subscribers.one(id) if _ID.fullmatch(id) else None
        return page.render(request, "area-notices-leave.html", headers=KEEP_NOTHING, there=there is not None, action=str(request.url.path))  # fmt: skip

    async def left(request: Request) -> Response:
        """One click (RFC 8058), in the mail program or on the page."""
        id = request.path_params["id"]
        if not _ID.fullmatch(id):
            return away(HERE)
        return away(f"{HERE}?done=left" if await subscribers.leave(id) else f"{HERE}/leave/{id}")

    def _user(token: str) -> str:
        """Of LINE; "" for a link that is none, or too old."""
        if not token or "line" not in sender.channels:
            return ""
        try:
            return str(seal.read(PURPOSE, token)["user"])
        except BadToken:
            return ""

    def _rate(request: Request) -> None:
        address = (request.scope.get("client") or ("",))[0]
        for one, where in ((throttle, address), (wider, _wide(address))):
            one.demand(where)
            one.wrong(where)

    def _chosen(form: FormData, towns: dict[str, str]) -> Choice:
        ids = list(dict.fromkeys(str(one) for one in form.getlist("area")))
        if WHOLE in ids:
            ids = []
        if len(ids) > MOST:
            raise BadRequest("area: choose fewer districts, or the whole city")
        if any(id not in towns for id in ids):
            raise BadRequest("area: choose districts of this city")
        orders, alerts = (word(form, name) for name in ("orders", "alerts"))
        if orders not in ("0", "3", "4") or alerts not in ("0", "2", "3", "4", "5"):
            raise BadRequest("orders, alerts: choose from which level on")
        choice = Choice(
            known(word(form, "speaks"), page.shell.languages) or page.shell.languages[0],
            {id: towns[id] for id in ids}, int(orders), int(alerts), word(form, "shelters") == "yes",
        )  # fmt: skip
        if not (choice.orders or choice.alerts or choice.shelters):
            raise BadRequest("orders, alerts, shelters: choose at least one thing to be told")
        return choice

    return [
        Route(HERE, index, methods=["GET"]),
        Route(HERE, choose, methods=["POST"]),
        Route(HERE + "/leave", leave, methods=["POST"]),
        Route(HERE + "/leave/{id}", leaving, methods=["GET"]),
        Route(HERE + "/leave/{id}", left, methods=["POST"]),
    ]


def _wide(address: str) -> str:
    """The /48 of an IPv6 address; of IPv4 nothing wider than the address itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 48), strict=False)) if ip.version == 6 else address
