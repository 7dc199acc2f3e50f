"""What everybody may know who wants to build on the city: `/developers`, and the application on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from kitamae.kernel.context.broker import Limits
from kitamae.kernel.registers.papers import SERVED
from kitamae.web import city_map
from kitamae.web.developers import DEVELOPERS
from kitamae.web.developers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.providers import Providers
    from kitamae.kernel.registers import Register
    from kitamae.sdk.providers import Providing
    from kitamae.web.page import ShellPage


def routes(
    page: ShellPage,
    services: Register,
    providers: Providers,
    providing: Providing,
    *,
    address: str,
    city: str,
    interfaces: Sequence[str],
    consented: Sequence[str],
) -> list[Route]:
    """`services`: the public register; `interfaces`: services with a programming interface; `consented`: purposes that rest on consent;
    `city`: its id, "" for an empty broker.
    """

    async def index(request: Request) -> Response:
        """Who can build here and how; what can be had without asking, with a key, with a resident's consent; who does, and who answers for what."""
        counts = await page.shell.context.types()
        words = page.shell.words
        kinds = [*city_map.usual(city_map.kinds_on_maps(counts, words), words), *sorted(counts)]
        lines = examples(address, kinds, city, interfaces, next(iter(consented), ""))
        served = [one for one in await services.entries() if one["state"] == SERVED]
        return page.render(
            request,
            "developers.html",
            groups={
                needs: [one for one in lines if one.needs == needs] for needs in ("nothing", "key", "consent")
            },
            services=served,
            providing=providing,
            plans=list(providers.terms.plans.values()),
            register=await providers.in_force(),
            service_names=providers.terms.services,
            purpose_names=providers.terms.purposes,
            limits=Limits(),
            address=address,
        )

    async def paper(request: Request) -> Response:
        """An application to be printed and filled in by hand."""
        return page.render(request, "application-paper.html", providing=providing)

    return [
        Route(DEVELOPERS, index, methods=["GET"]),
        Route(f"{DEVELOPERS}/paper", paper, methods=["GET"]),
    ]
