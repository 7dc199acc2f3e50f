"""The decisions: asked of Cedar once, remembered until something that they rest on changes, and explained in words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kitamae.kernel.people.person import EVERYWHERE
from kitamae.kernel.people.policy.cedar import Decision, Engine
from kitamae.kernel.people.policy.facts import UNREGISTERED, Facts, told, use
from kitamae.kernel.problems import Forbidden, NotSignedIn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from kitamae.kernel.context.store import Reader
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy.question import Question

T = TypeVar("T")
HERE: Final = Path(__file__).parent
_MOST: Final = 20_000
"""Decisions that are remembered."""


@cache
def of_city() -> Engine:
    """The policies of `city.cedar`, checked against their schema."""
    return Engine((HERE / "city.cedar").read_text("utf-8"), (HERE / "city.cedarschema").read_text("utf-8"))


class Policy:
    """Who may do what, as `engine` has it and `facts` stand."""

    def __init__(
        self,
        open: bool = False,
        declared: frozenset[str] | None = None,
        *,
        facts: Facts | None = None,
        engine: Engine | None = None,
    ) -> None:
        """`open` and `declared` are the two facts that a broker alone needs; `facts` are all of them."""
        self._facts = facts or Facts(open, declared)
        self._engine = engine or of_city()
        self._known: dict[Question, Decision] = {}
        self._made: dict[Hashable, Any] = {}
        self.anew: Callable[[Reader, Principal], Awaitable[Principal]] | None = None
        """Who somebody that is signed in is by now, as a transaction sees it; NOBODY: he was signed out."""

    @property
    def facts(self) -> Facts:
        """What is decided now rests on these."""
        return self._facts

    def change(self, *, facts: Facts | None = None, engine: Engine | None = None) -> None:
        """What is decided from now on rests on these; nothing that was decided before is believed any more."""
        self._facts = facts or self._facts
        self._engine = engine or self._engine
        self._known, self._made = {}, {}

    @property
    def takes_any_type(self) -> bool:
        """Is an entity written whatever its type is?"""
        return self._facts.open or self._facts.declared is None

    def decide(self, question: Question) -> Decision:
        """With the policies that decided. About a person's data it is asked anew each time: consent may have ended."""
        if question.purpose:
            return self._ask(question)
        known = self._known.get(question)
        if known is None:
            known = _kept(self._known, question, self._ask(question))
        return known

    def made(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` makes of many decisions, none of them about a person's data: once, until something that they rest on changes."""
        found: T | None = self._made.get(key)
        return _kept(self._made, key, work()) if found is None else found

    def _ask(self, question: Question) -> Decision:
        principal, action, resource, context, entities = told(question, self._facts)
        return self._engine.decide(principal, action, resource, context, entities)

    def allows(self, question: Question) -> bool:
        """Yes or no."""
        return self.decide(question).allowed

    async def demand_again(self, tx: Reader, question: Question) -> None:
        """The same question, inside the transaction that does what it is about, of whoever asks as he stands there: he may have lost his
        duty, or his session, since the door let him in; a provider's contract may have ended. Raises as `demand`.
        """
        if self.anew is not None and (question.who.session or question.who.metered):
            self.demand(replace(question, who=await self.anew(tx, question.who)))

    def demand(self, question: Question) -> Decision:
        """Which policies permit it. Raises NotSignedIn when signing in could help, else Forbidden."""
        decision = self.decide(question)
        if decision.allowed:
            return decision
        who, what = question.who, question.what
        if "undeclared" in decision.because:
            type_ = what.removeprefix("entity:")
            if type_ in self._facts.registers or self._facts.called_as_register(question.thing):
                said = type_ if type_ in self._facts.registers else question.thing
                raise Forbidden(f"{said} is said by a public register: it is changed there, and nowhere else")
            raise Forbidden(f"neither the city nor a service's manifest declares the entity type {type_}")
        if "no-papers" in decision.because:
            service, point, _ = question.purpose.partition(".")
            if not question.service and not point:
                raise Forbidden(
                    f"what is held for the purpose {use(question)} has no privacy impact assessment in force"
                )
            raise Forbidden(
                f"the service {question.service or service} has no published privacy impact assessment"
            )
        if who.role == "anyone":
            raise NotSignedIn(f"to {question.action} {what} you must sign in or send a token")
        if who.tenants.isdisjoint((question.tenant, EVERYWHERE)):
            where = f"the tenant {question.tenant}" if question.tenant else "the default tenant"
            raise Forbidden(f"this {who.role} may only read in {where}, whatever it may do elsewhere")
        if who.role == "device" and question.action == "delete":
            raise Forbidden(
                "a device deletes nothing: what it measured stays, and staff see to what is wrong"
            )
        if who.role == "device" and self._facts.installed and not self._facts.installed(question.thing):
            raise Forbidden(
                f"no installed sensor of the public sensor register writes {question.thing or what}: what is not in it writes nothing"
            )
        if who.role == "service" and not self._facts.registered(question):
            type_ = what.removeprefix("entity:")
            raise Forbidden(
                f"sensors of the public sensor register write {type_}, and no installed one writes {question.thing}: register it, or let the"
                f" token say so (write:{type_}|{question.thing}, or {UNREGISTERED})"
            )
        if who.role == "staff" and what.startswith("desk:"):
            raise Forbidden(
                f"this is the work of the desk {what.removeprefix('desk:')}, which is none of your duties"
            )
        raise Forbidden(f"{who.role} may not {question.action} {what}")


def _kept(kept: dict[Any, T], key: Hashable, one: T) -> T:
    if len(kept) >= _MOST:
        del kept[next(iter(kept))]  # the oldest
    kept[key] = one
    return one
