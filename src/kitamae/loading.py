"""Loading a city's facts when its profile has changed: through the broker's public operations, like any client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.problems import Problem
from kitamae.sdk import city

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from kitamae.kernel.context.store import Store, Transaction

KIND: Final = "city"


class NotLoaded(Problem):
    """Something of the city's own folder is not in order."""

    title = "The city could not be loaded"


async def load(profile: city.City, store: Store, api: ASGIApp) -> city.Loaded:
    """Write what has changed since the last start. Raises BadCityError and what the broker refuses with."""
    before = city.Loaded.from_json(await store.get(profile.tenant, KIND, profile.id))
    if before is not None and before.digest == profile.digest():
        return city.Loaded(before.digest, before.ids)
    import httpx2  # an HTTP client that most starts do not need

    from kitamae.intake.deliver import Broker

    headers = {"NGSILD-Tenant": profile.tenant} if profile.tenant else {}

    async def as_system(scope: Scope, receive: Receive, send: Send) -> None:
        scope["principal"] = SYSTEM
        await api(scope, receive, send)

    transport = httpx2.ASGITransport(app=as_system)
    async with httpx2.AsyncClient(transport=transport, base_url="http://kitamae", headers=headers) as client:
        loaded = await city.load(profile, Broker(client), before)

    async def keep(transaction: Transaction) -> None:
        await transaction.put(profile.tenant, KIND, profile.id, loaded.as_json())

    if before is None or before.digest != loaded.digest:
        await store.transact(keep)
    return loaded
