"""The public registers of a running city: put together from its folder, its services' manifests and its store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kitamae import own_papers
from kitamae.kernel.registers import assessments, evacuation_state, incidents, papers, sensors
from kitamae.kernel.registers.assessments import Assessments, Paper
from kitamae.kernel.registers.comments import Comments
from kitamae.kernel.registers.incidents import Incidents
from kitamae.kernel.registers.papers import Papers
from kitamae.kernel.registers.register import Register
from kitamae.kernel.registers.sensors import Sensors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store
    from kitamae.sdk.city import City
    from kitamae.sdk.manifest import Manifest
    from kitamae.sdk.service import Service

TYPES: Final = (sensors.TYPE, assessments.TYPE, papers.SERVICE, incidents.TYPE, evacuation_state.TYPE)
"""Of the entities that they write, short."""

_FILE: Final = "sensors.toml"
_RESTS_ON: Final = ("reads", "writes", "personal", "suppliers", "security")
"""What of a manifest an assessment is about: another word in a menu makes none due."""


@dataclass(frozen=True, slots=True)
class Registers:
    """All of them. `papers` tells the policy which services and purposes are refused."""

    services: Register
    assessments: Assessments
    comments: Comments
    sensors: Sensors
    incidents: Incidents
    papers: Papers

    @classmethod
    def of(
        cls, store: Store, profile: City | None, services: Sequence[Service], expand: Callable[[str], str]
    ) -> Self:
        """Nothing is written yet. A broker without a city keeps its registers, and says nothing of them as entities."""
        tenant, publish = (profile.tenant, True) if profile else ("", False)
        about = Assessments(store, expand, tenant=tenant, publish=publish)
        served = Register(store, "services", papers.SERVICE, expand, tenant=tenant, publish=publish)
        return cls(
            served,
            about,
            Comments(store, about),
            Sensors(store, expand, tenant=tenant, publish=publish),
            Incidents(store, expand, tenant=tenant, publish=publish),
            Papers(
                *(store, about, served, [*map(paper, services), *own_papers.of(profile)]),
                ("service", "platform", "city") if profile else ("service", "platform"),
            ),
        )

    async def load(self, profile: City) -> int:
        """What stands in the city's `sensors.toml`; how many entries changed. Raises BadSensorsError."""
        return await self.sensors.load(profile.folder / _FILE)


def paper(service: Service) -> Paper:
    """A service's assessment as it lies in its folder, with digests of what it rests on."""
    manifest = service.manifest
    told = manifest.model_dump(mode="json")
    return Paper(
        service.id,
        told["name"],
        own_papers.text(service.folder, manifest.pia),
        own_papers.digest(told["personal"]),
        own_papers.digest({name: told[name] for name in _RESTS_ON}),
        manifest.pia_until,
        described(manifest),
    )


def described(manifest: Manifest) -> dict[str, Any]:
    """What the register of services says: all of the manifest that is about what the service does, with whom and to whom."""
    told = manifest.model_dump(mode="json")
    names = (
        "name",
        "summary",
        "reads",
        "writes",
        "personal",
        "requires",
        "suppliers",
        "security",
        "boundaries",
    )
    return {name: told[name] for name in names}
