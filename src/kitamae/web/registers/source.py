"""The registers of a city as the pages read them: what is public, as it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kitamae.kernel.problems import NotFound
from kitamae.kernel.registers import assessments, incidents, papers, sensors
from kitamae.sdk.reading import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.registers import Entry, Register
    from kitamae.kernel.registers.assessments import Assessments
    from kitamae.kernel.registers.comments import Comments
    from kitamae.kernel.registers.incidents import Incidents
    from kitamae.kernel.registers.papers import Papers
    from kitamae.kernel.registers.sensors import Sensors


class Registers(Protocol):
    """`kitamae.registers.Registers`."""

    @property
    def services(self) -> Register:
        """What the city runs."""
        ...

    @property
    def assessments(self) -> Assessments:
        """What was assessed."""
        ...

    @property
    def comments(self) -> Comments:
        """What people say of that."""
        ...

    @property
    def sensors(self) -> Sensors:
        """What senses."""
        ...

    @property
    def incidents(self) -> Incidents:
        """What went wrong."""
        ...

    @property
    def papers(self) -> Papers:
        """Which services are refused."""
        ...


def states(name: str) -> Mapping[str, str]:
    """State -> its Japanese words, by register."""
    return {
        "services": papers.SERVICE_STATES,
        "pias": assessments.STATES,
        "sensors": sensors.STATES,
        "incidents": incidents.STATES,
    }[name]


def register(of: Registers, name: str) -> Register:
    """Raises NotFound."""
    found: dict[str, Register] = {
        "services": of.services,
        "pias": of.assessments.register,
        "sensors": of.sensors.register,
        "incidents": of.incidents.register,
    }
    if name not in found:
        raise NotFound(f"there is no register {name!r:.40}")
    return found[name]


async def entries(of: Registers, name: str) -> list[Entry]:
    """What is public, as it stands now. Raises NotFound."""
    if name == "incidents":
        return (await of.incidents.published())[::-1]
    found = await register(of, name).entries()
    if name == "pias":
        return [now(of, one) for one in found]
    return sorted(found, key=lambda one: fold(one["said"]["name"]["ja"]))


async def one(of: Registers, name: str, id: str) -> Entry:
    """Raises NotFound, also for an incident that is not public."""
    entry = await register(of, name).entry(id)
    if name == "incidents" and not entry["said"]["published"]:
        raise NotFound(f"the register {name} has no entry {id!r:.80}")
    return now(of, entry) if name == "pias" else entry


def now(of: Registers, entry: Entry) -> Entry:
    """What was due yesterday may have lapsed since it was written down."""
    return {**entry, "state": assessments.standing(entry["said"], of.assessments.now())}
