"""What registrations and subscriptions to them have in common over HTTP: who may, and how one is made, changed, forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.asked import segment, uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context

    Of = Callable[[Request], "Registry"]

WHAT: Final = "registration"


class Registry(Protocol):
    """Who keeps them."""

    async def create(self, tenant: str, payload: Json, context: Context) -> str:
        """Its id."""

    async def update(self, tenant: str, id: str, patch: Json, context: Context) -> None:
        """Replace members."""

    async def delete(self, tenant: str, id: str) -> None:
        """Forget it."""


async def create(x: Exchange, of: Of, folder: str) -> Answer:
    """POST of a document to its folder."""
    request, payload = await x.document()
    request.demand("operate", WHAT)
    id = await of(request).create(request.tenant, payload, request.context)
    answer = created(f"/ngsi-ld/v1/{folder}/{segment(id)}")
    answer.headers += x.echo(request.tenant)
    return answer


async def update(x: Exchange, of: Of, id: str, named: str) -> Answer:
    """PATCH of one. `named`: what its id is called in a refusal."""
    uri(id, named)
    request, payload = await x.document()
    request.demand("operate", WHAT)
    await of(request).update(request.tenant, id, payload, request.context)
    return Answer(204, None, x.echo(request.tenant))


async def delete(x: Exchange, of: Of, id: str, named: str) -> Answer:
    """DELETE of one. `named`: as for `update`."""
    uri(id, named)
    request = await x.request()
    request.demand("operate", WHAT)
    await of(request).delete(request.tenant, id)
    return Answer(204, None, x.echo(request.tenant))
