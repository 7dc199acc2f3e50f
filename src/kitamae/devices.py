"""Devices over MQTT: the city's kinds of device, the broker's door for readings, and the subscriber between them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from kitamae.adapters.mqtt.address import Address
from kitamae.kernel.context.observations import Observations
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import Forbidden
from kitamae.loading import NotLoaded
from kitamae.sdk.city import BadCityError

if TYPE_CHECKING:
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
) -> Subscriber:
    """Ready to run. Its name at the MQTT broker stays the same for one data directory, or for all workers of one database
    (`alias` names their broker among others), so that messages wait for whoever listens next.

    Raises NotLoaded: no address, a device file that is not in order, or a type that the broker does not take.
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

    return Subscriber(address, kinds, door.hear, identifier=f"kitamae-{profile.id}-{mark}")
