"""What is asked of history: a temporal query, which attributes, and how the answer is to look (4.11, 5.7.3, 5.7.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import linked
from kitamae.kernel.context.api import negotiation, views
from kitamae.kernel.context.temporal import query as temporal
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.represent import Form
    from kitamae.kernel.context.store import InstanceQuery
    from kitamae.kernel.context.temporal.query import TemporalQuery

_MEMBERS: Final = frozenset({"id", "type", "scope"})
_TEMPORAL: Final = frozenset(
    {
        "aggrMethods",
        "aggrPeriodDuration",
        "endTimeAt",
        "format",
        "lastN",
        "options",
        "timeAt",
        "timeproperty",
        "timerel",
    }
)
_SHAPE: Final = frozenset({"attrs", "datasetId", "lang", "omit", "pick"})


@dataclass(frozen=True, slots=True)
class Evolution:
    """What is asked of history: when, which attributes (expanded; None: all), and how it is to look."""

    when: TemporalQuery
    attrs: tuple[str, ...] | None
    datasets: tuple[str, ...]
    form: Form

    def history(self, tenant: str, entities: tuple[str, ...] = (), limit: int | None = None) -> InstanceQuery:
        """What to ask the store for."""
        return self.when.history(tenant, entities, self.attrs or (), self.datasets, limit)


def asked(request: Request, *, required: bool) -> Evolution:
    """From the parameters. Raises BadRequest."""
    params = request.params
    texts = {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in params.items()
        if name in _TEMPORAL
    }
    when = temporal.parse(texts, required=required)
    shape = {name: value for name, value in params.items() if name in _SHAPE}
    level = views.level_of(shape, request.context, negotiation.JSON)
    if linked.depth(level.pick) or linked.depth(level.omit):
        raise BadRequest("pick and omit: history does not follow relationships")
    form = level.form
    if when.format == "concise":
        form = replace(form, format="concise")
    form = replace(form, sys_attrs=when.sys_attrs)
    chosen = form.attrs
    if chosen is None and form.pick is not None:
        chosen = form.pick - _MEMBERS
    attrs = None if chosen is None else tuple(sorted(chosen))
    return Evolution(when, attrs, params.get("datasetId", ()), form)
