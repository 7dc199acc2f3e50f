"""Every resource of NGSIv2 with its methods."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.api.answer import Answer, of_json
from kitamae.kernel.context.api.routing import Route, Table
from kitamae.kernel.context.v2 import attributes, batch, entities, registrations, subscriptions, types
from kitamae.kernel.context.v2.application import Application

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker
    from kitamae.kernel.context.v2.exchange import Exchange

_WRITE: Final = ("write", "entity:*")
_SUBSCRIBE: Final = ("subscribe", "subscription")
_FEDERATE: Final = ("operate", registrations.WHAT)


async def _resources(x: Exchange) -> Answer:
    x.request.demand("read", "context:resources")
    names = ("entities", "types", "subscriptions", "registrations")
    return of_json(200, {f"{name}_url": f"/v2/{name}" for name in names})


async def _version(x: Exchange) -> Answer:
    """GET /version, which Orion's clients ask before anything else: whose dialect this is, and who speaks it."""
    x.request.demand("read", "context:resources")
    return of_json(200, {"orion": {"version": SPOKEN}, "kitamae": {"version": version("kitamae")}})


SPOKEN: Final = "3.12.0"
"""What `/version` tells clients that ask for Orion's release before they speak; no comparison with it was made."""

ROUTES: Final = (
    Route("GET", "", _resources),
    Route("GET", "version", _version),
    Route("GET", "entities", entities.query),
    Route("POST", "entities", entities.create, founds=True, needs=_WRITE),
    Route("GET", "entities/{id}", entities.retrieve),
    Route("DELETE", "entities/{id}", entities.delete, needs=_WRITE),
    Route("GET", "entities/{id}/attrs", entities.retrieve_attributes),
    Route("POST", "entities/{id}/attrs", entities.append, needs=_WRITE),
    Route("PATCH", "entities/{id}/attrs", entities.update, needs=_WRITE),
    Route("PUT", "entities/{id}/attrs", entities.replace, needs=_WRITE),
    Route("GET", "entities/{id}/attrs/{name}", attributes.retrieve),
    Route("PUT", "entities/{id}/attrs/{name}", attributes.replace, needs=_WRITE),
    Route("DELETE", "entities/{id}/attrs/{name}", attributes.delete, needs=_WRITE),
    Route("GET", "entities/{id}/attrs/{name}/value", attributes.retrieve_value),
    Route("PUT", "entities/{id}/attrs/{name}/value", attributes.replace_value, needs=_WRITE),
    Route("GET", "types", types.listing),
    Route("GET", "types/{name}", types.retrieve),
    Route("POST", "op/update", batch.update, founds=True, needs=_WRITE),
    Route("POST", "op/query", batch.query),
    Route("POST", "op/notify", batch.notify, founds=True, needs=_WRITE),
    Route("GET", "subscriptions", subscriptions.listing, needs=_SUBSCRIBE),
    Route("POST", "subscriptions", subscriptions.create, founds=True, needs=_SUBSCRIBE),
    Route("GET", "subscriptions/{id}", subscriptions.retrieve, needs=_SUBSCRIBE),
    Route("PATCH", "subscriptions/{id}", subscriptions.update, needs=_SUBSCRIBE),
    Route("DELETE", "subscriptions/{id}", subscriptions.delete, needs=_SUBSCRIBE),
    Route("GET", "registrations", registrations.listing, needs=_FEDERATE),
    Route("POST", "registrations", registrations.create, founds=True, needs=_FEDERATE),
    Route("GET", "registrations/{id}", registrations.retrieve, needs=_FEDERATE),
    Route("PATCH", "registrations/{id}", registrations.update, needs=_FEDERATE),
    Route("DELETE", "registrations/{id}", registrations.delete, needs=_FEDERATE),
)

_TABLE: Final = Table(ROUTES)


def routes(broker: Broker) -> Application:
    """The ASGI application that answers for this broker."""
    return Application(broker, _TABLE)
