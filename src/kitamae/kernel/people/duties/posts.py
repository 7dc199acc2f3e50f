"""As what a member of staff did something: his office (課・係) and his duties at that moment. A resident is told this, and never who it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from kitamae.kernel.people import colleagues
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.office import ACCOUNTS
from kitamae.kernel.people.records import TENANT, Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.store import Reader
    from kitamae.kernel.people.duties.plan import Plan


class Post(NamedTuple):
    """`section`: his office, "" where it is not known of that moment; `duties`: what they are called, by language."""

    section: str = ""
    duties: tuple[Mapping[str, str], ...] = ()


class Posts:
    """On one store, with the city's plan of duties."""

    def __init__(self, store: Reader, plan: Plan) -> None:
        self._store, self._plan = store, plan

    async def of(self, ref: str, purpose: str, at: int) -> Post | None:
        """At `at` (microseconds UTC): the duties that he had for this purpose; where none was for it (緊急アクセス, or what goes by
        desks), all that he had. None for who is no member of staff.
        """
        if not ref.startswith(ACCOUNTS):
            return None
        person = cast("Person | None", await self._store.get(TENANT, "person", ref))
        kept: Any = await self._store.get(TENANT, steps.KIND, ref)
        held = [self._plan.get(one.duty) for one in steps.state(kept["steps"] if kept else (), at).held]
        had = [duty for duty in held if duty is not None]
        named = [duty.name for duty in had if purpose in duty.purposes] or [duty.name for duty in had]
        return Post(colleagues.section(person, at) if person else "", tuple(named))
