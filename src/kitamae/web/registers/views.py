"""What everybody sees of the registers: the four of them, each one's list with its filters, an entry with its changes, a sensor's sign."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.problems import TooManyRequests
from kitamae.kernel.registers import assessments, dtpr, incidents, sensors
from kitamae.sdk.reading import fold
from kitamae.web import city_map, qr
from kitamae.web.registers import downloads, prose
from kitamae.web.registers.source import entries, now, one, states

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from kitamae.kernel.registers import Entry
    from kitamae.web.page import ShellPage
    from kitamae.web.registers.source import Registers

HERE: Final = Path(__file__).parent
REGISTERS: Final = ("services", "pias", "sensors", "incidents")
LIMIT: Final = 50
_ATTEMPTS: Final = 5
"""Comments from one address in five minutes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A change of an entry. `index`: where its statement stands in the ledger; None: it is not published yet."""

    at: str
    by: str
    what: str
    index: int | None


def public(page: ShellPage, of: Registers, address: str) -> list[BaseRoute]:
    """`/registers` and what is below it, for everybody. `address`: how people reach the city, whatever name a request came to."""

    async def index(request: Request) -> Response:
        """The public registers: what the city runs, what was assessed, what senses, what went wrong."""
        counts = {name: len(await entries(of, name)) for name in REGISTERS}
        return page.render(request, "registers/index.html", counts=counts)

    async def listing(request: Request) -> Response:
        """One register, with its filters."""
        name = request.path_params["name"]
        state, text = request.query_params.get("state", ""), request.query_params.get("text", "")[:100]
        kind = request.query_params.get("kind", "")
        found = [
            entry
            for entry in await entries(of, name)
            if (not state or entry["state"] == state)
            and (not kind or entry["said"].get("kind") == kind)
            and fold(text) in fold(_searched(entry))
        ]
        offset = city_map.start(request.query_params.get("offset", ""), len(found))
        return page.render(
            request,
            "registers/list.html",
            name=name,
            entries=found[offset : offset + LIMIT],
            total=len(found),
            offset=offset,
            limit=LIMIT,
            states=states(name),
            chosen=state,
            kinds=sensors.KINDS if name == "sensors" else {},
            kind=kind,
            text=text,
            severities=incidents.SEVERITIES,
        )

    async def entry(request: Request) -> Response:
        """One entry: what it says, how it came to that, and the proof of each change."""
        name, id = request.path_params["name"], request.path_params["id"]
        found = await one(of, name, id)
        said = found["said"]
        more: dict[str, Any] = {}
        if name == "pias":
            shown = await of.comments.of(id, "shown")
            more = {
                "blocks": prose.blocks(said["in_force"].get("text", "")),
                "draft": prose.blocks(said["work"].get("text", "")),
                "asked": assessments.takes_comments(said, of.assessments.now()),
                "comments": [comment for _, comment in shown],
                "sent": request.query_params.get("sent") == "1",
                "csrf": request.scope.get("csrf", ""),
                "serves": await of.services.find(id) is not None,
            }
        elif name == "services":
            about = await of.assessments.register.find(id)
            there = await page.shell.context.types()
            more = {
                "pia": now(of, about) if about else None,
                "pia_states": assessments.STATES,
                "there": there,
            }
        return page.render(
            request,
            f"registers/{name}.html",
            entry=found,
            said=said,
            states=states(name),
            lines=await lines(of, found),
            chain=dtpr.CHAIN,
            identifies=dtpr.IDENTIFIES,
            kinds=sensors.KINDS,
            severities=incidents.SEVERITIES,
            **more,
        )

    async def sign(request: Request) -> Response:
        """A sensor's sign, to be printed and put up beside it."""
        id = request.path_params["id"]
        found = await one(of, "sensors", id)
        here = f"{address}/registers/sensors/{id}"
        return page.render(
            request,
            "registers/sign.html",
            entry=found,
            said=found["said"],
            code=qr.svg(here, here),
            here_address=here,
            chain=dtpr.CHAIN,
            identifies=dtpr.IDENTIFIES,
            kinds=sensors.KINDS,
        )

    return [
        Route("/registers", index, methods=["GET"]),
        *downloads.routes(page, of, address),
        Route("/registers/sensors/{id}/sign", sign, methods=["GET"]),
        Route("/registers/{name}", listing, methods=["GET"]),
        Route("/registers/{name}/{id}", entry, methods=["GET"]),
    ]


def commenting(of: Registers) -> list[BaseRoute]:
    """What everybody may send: a comment on an assessment that comments are asked for on."""
    throttle = Throttle(_ATTEMPTS)

    async def comment(of: Registers, request: Request) -> Response:
        """Send a comment on a draft; it is shown after the town hall has read it."""
        service = request.path_params["id"]
        sent = await request.form(max_files=0, max_fields=5, max_part_size=20_000)
        demand_form(request.scope, sent.get("csrf"))
        address = request.client.host if request.client else ""
        try:
            throttle.demand(address)
        except TooManyRequests as full:
            raise TooManyRequests(
                "several comments came from this address; send the next one in a few minutes", **full.more
            ) from None
        throttle.wrong(address)
        await of.comments.send(service, str(sent.get("text", "")))
        return RedirectResponse(f"/registers/pias/{service}?sent=1", 303, {"Cache-Control": "no-store"})

    return [Route("/registers/pias/{id}/comments", partial(comment, of), methods=["POST"])]


async def lines(of: Registers, entry: Entry) -> list[Line]:
    """The newest changes of an entry, newest first."""
    store = of.services.store
    return [
        Line(made["at"], made["by"], made["what"], await store.index(made["number"]))
        for made in entry["changes"][: -LIMIT - 1 : -1]
    ]


def _searched(entry: Entry) -> str:
    said = entry["said"]
    name = said.get("name", {})
    words = [*name.values()] if isinstance(name, dict) else [name]
    return " ".join(
        [entry["id"], *words, said.get("title", ""), said.get("place", ""), said.get("accountable", "")]
    )
