"""What the access log cannot see from outside: who somebody turned out to be, and which token, client or key it was about.

Whoever does such a thing says so in passing; it holds for the request that is being answered.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Noted:
    """Of one request. `who` and `role`: whoever signed in by it."""

    who: str = ""
    role: str = ""
    about: str = ""


_NOTED: Final[ContextVar[Noted | None]] = ContextVar("noted", default=None)


def begin() -> None:
    """A request comes in: nothing is known of it."""
    _NOTED.set(None)


def found() -> Noted | None:
    """What was said of this request."""
    return _NOTED.get()


def signed_in(who: str, role: str) -> None:
    """Somebody signed in by this request."""
    _noted().who, _noted().role = who, role


def about(number: str) -> None:
    """What was made, changed or ended: a number that the city gave, never what somebody typed."""
    _noted().about = number


def _noted() -> Noted:
    noted = _NOTED.get()
    if noted is None:
        noted = Noted()
        _NOTED.set(noted)
    return noted
