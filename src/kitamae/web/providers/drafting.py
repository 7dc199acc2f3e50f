"""The form of a contract's version: a new contract, or what shall come after the present one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.people.providers import Wish, latest
from kitamae.kernel.problems import BadRequest
from kitamae.kernel.responsibility import PARTIES
from kitamae.web.duties.forms import away, staff, word
from kitamae.web.providers.ground import CONTRACTS, PAGE, REFUSED, form, refused

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.providers import Version
    from kitamae.kernel.responsibility import Party
    from kitamae.web.providers.ground import Ground

_TEXTS: Final = (
    "title",
    "service",
    "starts",
    "ends",
    "minute",
    "day",
    "plan",
    "security",
    "subcontractors",
    "boundaries",
)
_LISTS: Final = ("purposes", "reads", "writes")


def routes(ground: Ground) -> list[Route]:
    """`/staff/providers/<number>/contract`; `?of=` the contract of which it shall be a new version."""
    providers = ground.providers

    async def show(
        request: Request, of: str, said: dict[str, Any] | None = None, failed: str = ""
    ) -> Response:
        staff(request)
        provider = await providers.one(request.path_params["number"])
        before = latest(await providers.contracts.one(of)) if of else None
        return ground.show(
            request,
            "contract-form.html",
            status=400 if failed else 200,
            provider=provider,
            of=of,
            said=said or _said(before, providers.today.isoformat(), next(iter(providers.terms.plans), "")),
            failed=failed,
        )

    async def ask(request: Request) -> Response:
        return await show(request, request.query_params.get("of", ""))

    async def prepare(request: Request) -> Response:
        who, told = await form(request)
        said: dict[str, Any] = {name: word(told, name) for name in _TEXTS}
        said |= {name: [str(one) for one in told.getlist(name)] for name in _LISTS}
        number, of = request.path_params["number"], word(told, "of")
        try:
            made = await providers.contracts.prepare(who, number, _wish(said), of)
        except REFUSED as problem:
            return await show(request, of, said, refused(problem))
        return away(f"{CONTRACTS}/{made['id']}")

    return [
        Route(PAGE + "/{number}/contract", ask, methods=["GET"]),
        Route(PAGE + "/{number}/contract", prepare, methods=["POST"]),
    ]


def _said(before: Version | None, today: str, plan: str) -> dict[str, Any]:
    """What the form begins with: the version before, or nothing."""
    if before is None:
        empty: dict[str, Any] = dict.fromkeys(_TEXTS, "") | {name: [] for name in _LISTS}
        return empty | {"starts": today, "minute": "60", "day": "10000", "plan": plan}
    said: dict[str, Any] = {
        name: str(before[name]) for name in ("title", "service", "ends", "minute", "day", "plan", "security")
    }
    said |= {name: before[name] for name in _LISTS}
    said["starts"] = max(today, before["starts"])
    firms = [(one["name"], one["does"], one["under"], one["where"]) for one in before["subcontractors"]]
    said["subcontractors"] = "\n".join(" | ".join(one).rstrip(" |") for one in firms)
    answers = [
        (one["part"], one["who"], one.get("call", ""), PARTIES[one.get("of", "provider")])
        for one in before["boundaries"]
    ]
    said["boundaries"] = "\n".join(" | ".join(one) for one in answers)
    return said


def _wish(said: dict[str, Any]) -> Wish:
    """Raises BadRequest."""
    firms = [
        _parts("subcontractors", line, 2, 4) for line in said["subcontractors"].splitlines() if line.strip()
    ]
    parts = [_parts("boundaries", line, 2, 4) for line in said["boundaries"].splitlines() if line.strip()]
    return Wish(
        title=said["title"],
        starts=said["starts"],
        ends=said["ends"],
        minute=_number(said["minute"]),
        day=_number(said["day"]),
        security=said["security"],
        service=said["service"],
        purposes=said["purposes"],
        reads=said["reads"],
        writes=said["writes"],
        plan=said["plan"],
        subcontractors=[{"name": a, "does": b, "under": c, "where": d} for a, b, c, d in firms],
        boundaries=[{"part": a, "who": b, "call": c, "of": _party(d)} for a, b, c, d in parts],
    )


def _parts(name: str, line: str, least: int, most: int) -> list[str]:
    """`name | what it does | under whom | where`, also with the wide bar of a Japanese keyboard. Raises BadRequest."""
    found = [one.strip() for one in line.replace("｜", "|").split("|")]
    if not least <= len(found) <= most or not all(found[:least]):
        raise BadRequest(f"{name}: expected {least} to {most} parts between bars in each line")
    return found + [""] * (most - len(found))


def _party(said: str) -> Party:
    """By its Japanese name; nothing is said: the provider. Raises BadRequest."""
    found = next((party for party, name in PARTIES.items() if name == (said or PARTIES["provider"])), None)
    if found is None:
        raise BadRequest(f"boundaries: expected one of {', '.join(PARTIES.values())}")
    return found


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise BadRequest("quota: expected a number")


def numbered(told: FormData, name: str) -> int:
    """A whole sum of yen, also below nought. Raises BadRequest."""
    text = word(told, name)
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) < 11:
        return int(text)
    raise BadRequest(f"{name}: expected a whole number")
