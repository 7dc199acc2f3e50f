"""The desks that keep the registers: papers (assessments), sensors, incidents. Each is work of that duty alone."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.days import JST
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import AlreadyExists, BadRequest, NotFound
from kitamae.kernel.registers import assessments, dtpr, incidents, sensors
from kitamae.web.registers import prose
from kitamae.web.registers.source import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from kitamae.kernel.registers.assessments import Paper
    from kitamae.kernel.registers.entry import Entry
    from kitamae.web.page import ShellPage
    from kitamae.web.registers.source import Registers

_KEEP_NOTHING: Final = {"Cache-Control": "no-store"}
_NEW: Final = "new"
_CHOICES: Final = ("purpose", "technology", "data", "process", "storage", "access")


def desks(page: ShellPage, of: Registers) -> dict[str, list[BaseRoute]]:
    """Desk -> its addresses, below `/desk/<desk>`."""
    return {"papers": _papers(page, of), "sensors": _sensors(page, of), "incidents": _incidents(page, of)}


def _papers(page: ShellPage, of: Registers) -> list[BaseRoute]:
    async def listing(request: Request) -> Response:
        """The desk of assessments: each service's, and what is to be done."""
        found = [now(of, one) for one in await of.assessments.register.entries()]
        return _shown(page, request, "papers", entries=found, states=assessments.STATES)

    async def show(request: Request) -> Response:
        """One service's assessment at the desk: the draft, the comments that wait, the next step."""
        id = request.path_params["id"]
        entry = now(of, await of.assessments.register.entry(id))
        said = entry["said"]
        return _shown(
            page,
            request,
            "paper",
            entry=entry,
            said=said,
            states=assessments.STATES,
            blocks=prose.blocks((said["work"] or said["in_force"]).get("text", "")),
            comments=await of.comments.of(id),
            asked=assessments.takes_comments(said, of.assessments.now()),
            reviewed=(paper := of.papers.papers.get(id)) and assessments.reviewed(said["work"], paper),
            today=_today(of.assessments.now),
        )

    async def act(request: Request) -> Response:
        """Begin anew, ask for comments, note the review, publish, or decide on a comment."""
        id, sent = request.path_params["id"], await _sent(request)
        who, paper = asking(request.scope).ref, _paper(of, id)
        match sent.get("act"):
            case "renew":
                of.papers.changed(await of.assessments.renew(paper, who))
            case "comments":
                of.papers.changed(await of.assessments.ask_comments(paper, _day(sent, "until"), who))
            case "review":
                made = await of.assessments.review(paper, _text(sent, "by"), _text(sent, "opinion"), who)
                of.papers.changed(made)
            case "publish":
                of.papers.changed(await of.assessments.publish(paper, _day(sent, "renew_by"), who))
                await of.papers.settle()
            case "comment":
                await of.comments.decide(_text(sent, "comment"), _text(sent, "state"), _text(sent, "answer"))
            case other:
                raise BadRequest(
                    f"act: expected renew, comments, review, publish or comment, got {other!r:.40}"
                )
        return _back(f"/desk/papers/{id}")

    return [
        Route("/desk/papers", listing, methods=["GET"]),
        Route("/desk/papers/{id}", show, methods=["GET"]),
        Route("/desk/papers/{id}", act, methods=["POST"]),
    ]


def _sensors(page: ShellPage, of: Registers) -> list[BaseRoute]:
    async def listing(request: Request) -> Response:
        """The desk of sensors: every entry, and the way to a new one."""
        return _shown(
            page, request, "sensors", entries=await of.sensors.register.entries(), states=sensors.STATES
        )

    async def show(request: Request) -> Response:
        """The form of an entry; `new` is an empty one."""
        id = request.path_params["id"]
        entry = None if id == _NEW else await of.sensors.register.entry(id)
        said = entry["said"] if entry else sensors.blank()
        return _shown(
            page, request, "sensor", entry=entry, said=said, states=sensors.STATES, kinds=sensors.KINDS,
            chain=dtpr.CHAIN, identifies=dtpr.IDENTIFIES,
        )  # fmt: skip

    async def keep(request: Request) -> Response:
        """Enter a sensor, or say something else of one."""
        id, sent = request.path_params["id"], await _sent(request)
        said = _sensor(sent)
        fresh = id == _NEW
        if fresh:
            id = _text(sent, "id")
        who = asking(request.scope).ref

        async def work(tx: Any) -> Entry:
            there = await of.sensors.register.current(tx, id)
            if fresh and there is not None:
                raise AlreadyExists(f"the register has an entry {id!r:.80}: change that one")
            if not fresh and there is None:
                raise NotFound(f"the register has no entry {id!r:.80}")
            return await of.sensors.put(tx, id, _text(sent, "state"), said, "sensors", who=who)

        await of.sensors.register.store.transact(work)
        return _back(f"/registers/sensors/{id}")

    return [
        Route("/desk/sensors", listing, methods=["GET"]),
        Route("/desk/sensors/{id}", show, methods=["GET"]),
        Route("/desk/sensors/{id}", keep, methods=["POST"]),
    ]


def _incidents(page: ShellPage, of: Registers) -> list[BaseRoute]:
    async def listing(request: Request) -> Response:
        """The incident desk: what is open, and the form for what was just found."""
        found = (await of.incidents.register.entries())[::-1]
        return _shown(
            page, request, "incidents", entries=found, states=incidents.STATES, severities=incidents.SEVERITIES,
            services=await of.services.entries(), at=local(of.incidents.register.now()),
        )  # fmt: skip

    async def begin(request: Request) -> Response:
        """Enter an incident."""
        sent = await _sent(request)
        made = await of.incidents.open(incident(sent), asking(request.scope).ref)
        return _back(f"/desk/incidents/{made['id']}")

    async def show(request: Request) -> Response:
        """One incident at the desk: what is said in public, and the desk's own log."""
        id = request.path_params["id"]
        entry = await of.incidents.register.entry(id)
        return _shown(
            page, request, "incident", entry=entry, said=entry["said"], states=incidents.STATES,
            severities=incidents.SEVERITIES, services=await of.services.entries(), notes=await of.incidents.notes(id),
            at=local(clock.micros(entry["said"]["found_at"])),
        )  # fmt: skip

    async def act(request: Request) -> Response:
        """Say further what happened, publish it, close it, or add to the desk's log."""
        id, sent = request.path_params["id"], await _sent(request)
        who = asking(request.scope).ref
        if sent.get("act") == "note":
            await of.incidents.note(id, _text(sent, "text"), who)
        elif sent.get("act") == "change":
            told = {
                **incident(sent),
                "report": _text(sent, "report"),
                "published": sent.get("published") == "1",
            }
            await of.incidents.change(id, _text(sent, "state"), told, who)
        else:
            raise BadRequest("act: expected note or change")
        return _back(f"/desk/incidents/{id}")

    return [
        Route("/desk/incidents", listing, methods=["GET"]),
        Route("/desk/incidents", begin, methods=["POST"]),
        Route("/desk/incidents/{id}", show, methods=["GET"]),
        Route("/desk/incidents/{id}", act, methods=["POST"]),
    ]


def _shown(page: ShellPage, request: Request, template: str, **values: Any) -> Response:
    csrf = request.scope.get("csrf", "")
    return page.render(request, f"desk/{template}.html", headers=_KEEP_NOTHING, csrf=csrf, **values)


async def _sent(request: Request) -> FormData:
    """Raises Forbidden for a form that is not from this session."""
    sent = await request.form(max_files=0, max_fields=200, max_part_size=200_000)
    demand_form(request.scope, sent.get("csrf"))
    return sent


def _back(path: str) -> Response:
    return RedirectResponse(path, 303, _KEEP_NOTHING)


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def _day(sent: FormData, name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(_text(sent, name))
    except ValueError:
        raise BadRequest(f"{name}: expected a day such as 2026-11-21") from None


def _paper(of: Registers, id: str) -> Paper:
    if id not in of.papers.papers:
        raise NotFound(f"there is no service {id!r:.40} here")
    return of.papers.papers[id]


def incident(sent: FormData) -> dict[str, Any]:
    """What a form says of one, as `Incidents.open` takes it. Raises BadRequest."""
    names = ("title", "what", "concerns", "severity")
    told: dict[str, Any] = {name: _text(sent, name) for name in names}
    told["services"] = [one for one in sent.getlist("services") if isinstance(one, str)]
    try:
        found = dt.datetime.fromisoformat(_text(sent, "found_at")).replace(tzinfo=JST)
    except ValueError:
        raise BadRequest("found_at: expected a day and a time such as 2026-11-21T09:30") from None
    told["found_at"] = found.isoformat()
    return told


def _sensor(sent: FormData) -> dict[str, Any]:
    texts = (
        "accountable",
        "contact",
        "operator",
        "place",
        "source",
        "law",
        "identifies",
        "longitude",
        "latitude",
        "since",
        "kind",
    )
    said: dict[str, Any] = {name: _text(sent, name) for name in texts}
    languages = ("ja", "ja_Hira", "en", "zh", "ko")
    said["name"] = {code: text for code in languages if (text := _text(sent, f"name_{code}"))}
    for category in _CHOICES:
        said[category] = [one for one in sent.getlist(category) if isinstance(one, str)]
    for name in ("observes", "types"):
        said[name] = _text(sent, name).split()
    days = _text(sent, "retention_days")
    if days:
        try:
            said["retention_days"] = int(days)
        except ValueError:
            raise BadRequest("retention_days: expected whole days, or nothing where unknown") from None
    return said


def local(at: int) -> str:
    """As `<input type=datetime-local>` wants it, in Japan's time."""
    return dt.datetime.fromtimestamp(at / 1e6, JST).strftime("%Y-%m-%dT%H:%M")


def _today(clock_now: Callable[[], int]) -> str:
    return days.of(clock_now()).isoformat()
