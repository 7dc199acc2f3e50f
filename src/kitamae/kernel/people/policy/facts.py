"""What the policies are told: the question, and what the city knows that bears on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import EVERYWHERE, ONE, OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.people.person import Acting, Principal, Role
    from kitamae.kernel.people.policy.cedar import Uid
    from kitamae.kernel.people.policy.question import Question

Basis = Literal["consent", "law", "contract", "vital-interest"]
DataClass = Literal["limited", "closed"]
"""Of data that is not open: limited is for staff and for programs whose token names the type, closed for staff alone."""

_PROGRAMS: Final = ("device", "service")
_CLOSED: Final = ("system", "desk", "person")
"""Kinds of things that nobody sees who was not let in."""


UNREGISTERED: Final = "operate:system:unregistered-sensors"
"""A program's scope: it writes what sensors write that stand in no register of this city."""
MANDATES: Final = "mandates"
"""What a delegate (代理人) does for another."""
ANYBODY: Final = "?"
"""In the place of a person's reference: may this be done at all, to somebody who agrees where that is needed?"""


def _nobody(about: str, purpose: str) -> bool:
    """Where no consents are kept, nobody has agreed to anything."""
    return False


@dataclass(frozen=True, slots=True)
class Facts:
    """`open`: the server was started with --open. `declared`: the entity types (expanded) that the city or a service's
    manifest declares; None: no city is served, and any type is taken. `without_papers`: services, and assessments of what the city and
    the platform hold, without one in force. `papers`: on which of those a purpose rests that is no service's (and MANDATES).
    `classes`: what is limited or closed, by expanded type, or by type, space and expanded attribute; all else is open.
    `registers`: entity types (expanded) of the public registers, which nobody writes but the registers themselves; `register_ids`: how
    the ids of such entities begin: what is called so is of no other type.
    `installed`: does an installed sensor of the public register write this entity (its id)? None: no city is served, so there is no
    register. `sensed`: does the register name sensors of this type (expanded)? `bases`: on what each declared purpose rests. `consented`: has this person agreed to this purpose, now?
    """

    open: bool = False
    declared: frozenset[str] | None = None
    without_papers: frozenset[str] = frozenset()
    papers: Mapping[str, str] = field(default_factory=dict)
    registers: frozenset[str] = frozenset()
    register_ids: tuple[str, ...] = ()
    classes: Mapping[str, DataClass] = field(default_factory=dict)
    installed: Callable[[str], bool] | None = None
    sensed: Callable[[str], bool] = lambda _: False
    bases: Mapping[str, Basis] = field(default_factory=dict)
    consented: Callable[[str, str], bool] = _nobody

    def agrees(self, about: str, purpose: str) -> bool:
        """The purpose does not rest on consent, or this person has agreed to it."""
        return self.bases.get(purpose) != "consent" or about == ANYBODY or self.consented(about, purpose)

    def by_thing(self, who: Principal, what: str) -> bool:
        """Whether it matters which entity of that type he writes, besides `Principal.narrow`: a program, what sensors of the register write."""
        return (
            who.role == "service"
            and UNREGISTERED not in who.scopes
            and self.sensed(what.removeprefix("entity:"))
        )

    def called_as_register(self, thing: str) -> bool:
        """Whether that id is one of the public registers' entities, whatever type somebody gives it."""
        return thing.startswith(self.register_ids)

    def registered(self, question: Question) -> bool:
        """Not so for a device that would write what no installed sensor of the public register observes; nor for a program, where the
        register names sensors of that type and its token neither names that very entity nor is for what is in no register.
        """
        who, what, thing = question.who, question.what, question.thing
        if self.installed is None or not what.startswith("entity:"):
            return True
        if who.role == "device":
            return question.action not in ("write", "delete") or self.installed(thing)
        if question.action != "write" or not thing or not self.by_thing(who, what):
            return True  # of a type as such it may be asked: each entity is asked about when it is written
        return self.installed(thing) or f"write:{what}{ONE}{thing}" in who.scopes

    def takes(self, type_: str) -> bool:
        """Is an entity of that type written here? `*`: of some type."""
        return self.open or self.declared is None or type_ == "*" or type_ in self.declared


def told(question: Question, facts: Facts) -> tuple[Uid, Uid, Uid, dict[str, Any], list[dict[str, Any]]]:
    """(principal, action, resource, context, entities), as `Engine.decide` takes them."""
    who, (kind, _, name) = question.who, question.what.partition(":")
    principal, resource = ("Caller", who.ref), ("Thing", question.what)
    scope = "write" if question.action == "delete" else question.action
    if kind == "person":
        scopes, about = [f"{question.action}:person:{question.purpose}"], name
    else:
        what = f"entity:{name.partition(' ')[0]}" if kind == "attribute" else question.what
        scopes, about = [f"{scope}:{what}", f"{scope}:*"], ""
        if question.thing:
            scopes.append(f"{scope}:{question.what}{ONE}{question.thing}")
    context = {
        "open": facts.open,
        "scopes": scopes,
        "purpose": question.purpose,
        "consented": facts.agrees(name, question.purpose),
    }
    caller = {
        "uid": {"type": "Caller", "id": who.ref},
        "attrs": {
            "ref": who.ref,
            "tenants": sorted(who.tenants),
            "scopes": [one for one in scopes if one in who.scopes],  # the others bear on nothing here
            "session": bool(who.session),
            "assurance": who.assurance,
            "duty": _among(who.duties, question),
            "emergency": _among(who.emergency, question),
            "registered": facts.registered(question),
            "acting": _acts(who.acting, question, about),
        },
        "parents": [{"type": "Role", "id": one} for one in _roles(who.role)],
    }
    thing = {
        "uid": {"type": "Thing", "id": question.what},
        "attrs": {
            "kind": "entity" if kind == "attribute" else kind,
            "class": "closed" if kind in _CLOSED else facts.classes.get(name, "open"),
            "tenant": question.tenant,
            "about": about,
            "declared": kind != "entity" or facts.takes(name),
            "register": kind == "entity" and _of_register(name, question, facts),
            "papers": _papers(question, facts) not in facts.without_papers,
        },
        "parents": [],
    }
    return principal, ("Action", question.action), resource, context, [caller, thing]


def _of_register(type_: str, question: Question, facts: Facts) -> bool:
    """What only borrowed such an id, before this was asked, is deleted by whoever may delete its type."""
    return type_ in facts.registers or (
        question.action == "write" and facts.called_as_register(question.thing)
    )


def _among(held: frozenset[tuple[str, str]], question: Question) -> bool:
    """Whether that desk, or that purpose, is among these in the tenant that is asked about."""
    if not held:
        return False
    what = f"purpose:{question.purpose}" if question.purpose else question.what
    return (question.tenant, what) in held or (EVERYWHERE, what) in held


def _acts(acting: Acting | None, question: Question, about: str) -> bool:
    """Whether that person lets him do that, now. (What of the person, the vault cuts to the mandate's classes.)"""
    return (
        acting is not None
        and acting.person == about
        and question.action in acting.actions
        and clock.now() < acting.until
    )


def _papers(question: Question, facts: Facts) -> str:
    """Which service's page it is, or purpose (these begin with its id and a point); else on whose assessment the purpose rests."""
    service, point, _ = question.purpose.partition(".")
    return question.service or (service if point else facts.papers.get(use(question), ""))


def use(question: Question) -> str:
    """The purpose; MANDATES where somebody acts for another. What somebody does about himself (OWN) needs nobody's papers."""
    for_another = question.who.acting is not None and question.what != f"person:{question.who.ref}"
    return MANDATES if for_another and question.purpose == OWN else question.purpose


def _roles(role: Role) -> tuple[str, ...]:
    return (role, "program") if role in _PROGRAMS else (role,)
