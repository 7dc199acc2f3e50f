"""The policy: one function that every route, page, subscription and job asks. Default: no.

Trust replaces the rules below by Cedar policies and data; the question and the answer stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kitamae.kernel.people.person import EVERYWHERE, Principal
from kitamae.kernel.problems import Forbidden, NotSignedIn

Action = Literal["read", "write", "delete", "subscribe", "operate"]
"""Who may write may delete. What is of a type that nobody declares any more may only be deleted."""


@dataclass(frozen=True, slots=True)
class Question:
    """May `who` do `action` to `what`? `what` is `entity:<expanded type>`, `page:<name>`, `subscription`, `registration`,
    `context`, `system:<part>`, `person:<reference>`; `tenant` is where. `purpose` is empty for public data.
    """

    who: Principal
    action: Action
    what: str
    tenant: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """`open`: clients on loopback may write without signing in (`--open`), entities of any type.

    `declared`: the entity types (expanded) that the city or a service's manifest declares; outside `--open` no other
    is written, by anybody, so that nothing about a person gets into the broker unseen. None: no city is served.
    """

    open: bool = False
    declared: frozenset[str] | None = None

    @property
    def takes_any_type(self) -> bool:
        """Is an entity written whatever its type is?"""
        return self.open or self.declared is None

    def allows(self, question: Question) -> bool:
        """Reading what is public needs nobody; changing needs staff of that tenant, or a token for it and the entity type."""
        who, action, what = question.who, question.action, question.what
        if self._undeclared(question):
            return False
        if what.startswith("person:"):
            return _person(question)
        if who.role == "system" or (action == "read" and not what.startswith("system:")):
            return True
        if self.open and not what.startswith("system:"):
            return True
        if _elsewhere(question):
            return False
        if who.role in ("device", "service"):
            scope = "write" if action == "delete" else action
            return bool(who.scopes & {f"{scope}:{what}", f"{scope}:*"})
        return who.role == "staff"

    def demand(self, question: Question) -> None:
        """Raises NotSignedIn when signing in could help, else Forbidden."""
        if self.allows(question):
            return
        if self._undeclared(question):
            type_ = question.what.removeprefix("entity:")
            raise Forbidden(f"neither the city nor a service's manifest declares the entity type {type_}")
        if question.who.role == "anyone":
            raise NotSignedIn(f"to {question.action} {question.what} you must sign in or send a token")
        if _elsewhere(question):
            where = f"the tenant {question.tenant}" if question.tenant else "the default tenant"
            raise Forbidden(
                f"this {question.who.role} may only read in {where}, whatever it may do elsewhere"
            )
        raise Forbidden(f"{question.who.role} may not {question.action} {question.what}")

    def _undeclared(self, question: Question) -> bool:
        if self.open or self.declared is None or question.action != "write":
            return False
        kind, _, type_ = question.what.partition(":")
        return kind == "entity" and type_ != "*" and type_ not in self.declared


def _person(question: Question) -> bool:
    """Personal data, also under `--open`: whom it is about, in a session of his own; staff for a declared purpose; a
    program whose token names that purpose (`read:person:<purpose>`).
    """
    who, purpose = question.who, question.purpose
    if who.role == "system":
        return True
    if purpose == "own":
        return bool(who.session) and bool(who.ref) and question.what == f"person:{who.ref}"
    if _elsewhere(question) or not purpose:
        return False
    if who.role in ("device", "service"):
        return f"{question.action}:person:{purpose}" in who.scopes
    return who.role == "staff" and bool(who.session)


def _elsewhere(question: Question) -> bool:
    return question.who.tenants.isdisjoint((question.tenant, EVERYWHERE))
