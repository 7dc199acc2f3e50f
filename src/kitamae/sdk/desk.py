"""A service's desk: where staff do its work, under `/staff/<desk>`; only those whose duty it is get there.

`manifest.toml` names it (`[desk]` with `id` and `name`), `desk.py` has its pages (`routes(room)`), and a city's `[[duties]]` say whose
work it is. The desk sees also what is not open, takes notes of its own, and writes; nothing else of a service does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.sdk.problems import Forbidden
from kitamae.sdk.writing import Act, Moved, Writing, Written, undoing

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.sdk.context import Context

__all__ = ["Act", "Desk", "Moved", "Writing", "Written", "undoing"]


@dataclass(frozen=True, slots=True)
class Desk:
    """`path`: its address. `context` reads all classes of data; `writing` is the way to change something."""

    path: str
    context: Context
    writing: Writing

    async def form(self, request: Request, fields: int = 60) -> FormData:
        """What was sent: of this session, without files, at most so many fields. Raises Forbidden, BadRequest."""
        form = await request.form(max_files=0, max_fields=fields)
        demand_form(request.scope, form.get("csrf"))
        return form

    def csrf(self, request: Request) -> str:
        """What a form of its pages carries in the field `csrf`."""
        return str(request.scope.get("csrf") or "")

    def who(self, request: Request) -> str:
        """The opaque reference of whoever works there. Raises Forbidden."""
        if not (ref := asking(request.scope).ref):
            raise Forbidden("nobody is signed in")
        return ref
