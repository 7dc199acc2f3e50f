"""The shell's other pages: home, one thing, one kind of things, the data, accessibility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.problems import NotFound
from kitamae.sdk import hazards
from kitamae.web import city_map, describe, speak

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.web.page import ShellPage

PAGE: Final = 100


async def home(page: ShellPage, request: Request) -> Response:
    """What this city is, and the ways in."""
    counts = await page.shell.context.types()
    offered = city_map.kinds_on_maps(counts, page.shell.words)
    shown = city_map.usual(offered, page.shell.words)
    return page.render(request, "home.html", kinds=[(kind, counts[kind]) for kind in shown])


async def kind(page: ShellPage, request: Request) -> Response:
    """All things of one kind, a page at a time. Raises NotFound."""
    name = request.path_params["kind"]
    counts = await page.shell.context.types()
    if name not in counts:
        raise NotFound(f"there is nothing of the kind {name}")
    offset = city_map.start(request.query_params.get("offset", ""), counts[name])
    things = await page.shell.context.find([name], limit=PAGE, offset=offset)
    return page.render(
        request,
        "kind.html",
        sort=name,
        places=[(thing, hazards.of(thing)) for thing in things],
        total=counts[name],
        offset=offset,
        limit=PAGE,
    )


async def entity(page: ShellPage, request: Request) -> Response:
    """Everything that is known of one thing. Raises NotFound."""
    uri = request.path_params["id"]
    full = await page.shell.context.full(uri)
    if full is None:
        raise NotFound(f"there is no {uri}")
    thing, language = describe.simple(full), page.language(request)
    others = [await page.shell.context.get(target) for target in describe.related(full)]
    names = {other["id"]: speak.name(other, language) for other in others if other}
    return page.render(
        request,
        "entity.html",
        thing=thing,
        sort=speak.types(thing)[0],
        known=hazards.of(thing),
        rows=describe.rows(full, page.shell.words, language, names),
        modified=full.get("modifiedAt", ""),
    )


async def history(page: ShellPage, request: Request) -> Response:
    """The last values of the attribute that `?attribute=` names, newest first. Raises NotFound."""
    uri, attribute = request.path_params["id"], request.query_params.get("attribute", "")
    thing = await page.shell.context.get(uri)
    readings = await page.shell.context.history(uri, attribute, last=PAGE) if thing else []
    if thing is None or not (readings or (attribute in thing and attribute not in ("id", "type"))):
        raise NotFound(f"there is no {attribute} of {uri}")
    return page.render(
        request,
        "history.html",
        thing=thing,
        attribute_name=attribute,
        readings=readings[::-1],
        decimals=speak.decimals(one.value for one in readings),
        limit=PAGE,
    )


async def data(page: ShellPage, request: Request) -> Response:
    """What there is to fetch, and how."""
    counts = await page.shell.context.types()
    return page.render(request, "data.html", counts=sorted(counts.items()))


async def accessibility(page: ShellPage, request: Request) -> Response:
    """The accessibility statement."""
    return page.render(request, "accessibility.html")
