"""Devices over MQTT: the city's kinds of device, the broker's door for readings, and the subscriber between them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kitamae.adapters.mqtt.address import Address
from kitamae.kernel.context.observations import Observations
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import Forbidden, Unavailable
from kitamae.loading import NotLoaded
from kitamae.sdk.city import BadCityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.adapters.mqtt.subscriber import Subscriber
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.registry import Registrations
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.policy import Policy
    from kitamae.sdk.city import City
    from kitamae.settings import Settings


def subscriber(
    settings: Settings,
    profile: City,
    store: Store,
    words: Context,
    policy: Policy,
    registrations: Registrations,
    alias: str,
    loaded: Callable[[], bool] = lambda: True,
) -> Subscriber:
    """Ready to run. Its name at the MQTT broker stays the same for one data directory, or for all workers of one database
    (`alias` names their broker among others), so that messages wait for whoever listens next.

    What no installed sensor of the public register observes is refused, as it is for every device. Until the register is `loaded`
    nothing is acknowledged, so nothing is lost. Raises NotLoaded: no address, a device file that is not in order, or a type that the broker does not take.
    """
    try:
        address, kinds = Address.parse(settings.mqtt), profile.devices()
        for kind in kinds:
            policy.demand(Question(SYSTEM, "write", f"entity:{words.expand(kind.type)}", profile.tenant))
    except (ValueError, BadCityError, Forbidden) as error:
        raise NotLoaded(f"mqtt: {error}") from error
    mark = sha256((alias if settings.store else str(settings.data.absolute())).encode()).hexdigest()[:8]
    door = Observations(store, words, profile.tenant, actor="mqtt", registrations=registrations)
    from kitamae.adapters.mqtt.subscriber import Subscriber  # only where devices are listened to

    scopes = frozenset(f"write:entity:{words.expand(kind.type)}" for kind in kinds)
    speaker = Principal("mqtt", "device", scopes, 1, tenants=frozenset({profile.tenant}))

    async def take(entities: list[dict[str, Any]]) -> list[str]:
        if not loaded():
            raise Unavailable("the sensor register is being loaded")
        reasons = [_refusal(policy, speaker, entity, words, profile.tenant) for entity in entities]
        fine = [entity for entity, reason in zip(entities, reasons, strict=True) if not reason]
        told = iter(await door.hear(fine) if fine else [])
        return [reason or next(told) for reason in reasons]

    return Subscriber(address, kinds, take, identifier=f"kitamae-{profile.id}-{mark}")


def _refusal(policy: Policy, who: Principal, entity: dict[str, Any], words: Context, tenant: str) -> str:
    """Why a device may not say this; "": it may."""
    what = f"entity:{words.expand(entity['type'])}"
    try:
        policy.demand(Question(who, "write", what, tenant, thing=entity["id"]))
    except Forbidden as refused:
        return refused.detail
    return ""
