"""Which types and attributes other sources have (5.7.5-5.7.10): asked at the same time, believed in what they registered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context.api import discovered, distributed, questions, source
from kitamae.kernel.context.api.questions import Source, Told
from kitamae.kernel.context.query.tree import EntityQuery, TypeQ, Wanted
from kitamae.kernel.context.registration import peers
from kitamae.kernel.context.registration.match import Question, relevant
from kitamae.kernel.context.registration.peers import Unanswered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration


@dataclass(slots=True)
class Elsewhere:
    """What sources told, each with the words that it is told in, and the warnings about those that told nothing."""

    told: list[tuple[Source, Json, Context]] = field(default_factory=list)
    warnings: list[Header] = field(default_factory=list)


async def ask(
    x: Exchange, request: Request, operation: str, path: str, *names: str, type: str | None = None
) -> Elsewhere:
    """All that offer the operation, and those that speak NGSIv2 and are read. `path` with `{}` for the `names` in the words of each; `type`: expanded, if about one."""
    wanted = (Wanted(TypeQ(((type,),))),) if type is not None else ()
    attrs = frozenset(names) if type is None else frozenset[str]()

    def concerned(one: Registration) -> tuple[int, ...]:
        offered = "v2" in one.doc or operation in one.operations
        return relevant(Question(wanted, attrs), one) if offered else ()

    sources = distributed.sources(x, request, (operation, "queryEntity"), concerned)
    if not sources:
        return Elsewhere()
    answer = Elsewhere()

    async def one(asked: Source) -> Told:
        if "v2" in asked.registration.doc:
            dialect, errand = source.errand(x, request)
            query = EntityQuery(types=wanted[0].types if wanted else TypeQ())
            found = await dialect.query(errand, asked.registration, (query,), attrs)
            described = discovered.described(operation, found, *names if type is None else ())
            answer.told.append((asked, described, request.context))
            return Told([], [])
        words = await source.words(request, asked.registration, request.context)
        params = {"details": "true"} if request.params.get("details") else {}
        at = path.format(*(questions.quoted(words.compact(name)) for name in names))
        reply = await questions.ask(x, request, asked, words, "GET", at, params)
        if reply.status != 404:
            if not reply.done:
                raise Unanswered(f"it answers {reply.status}", peers.ERROR)
            content = reply.json()
            told_in = content.get("@context") if isinstance(content, dict) else None
            context = words if told_in is None else await request.broker.contexts.resolve(told_in)
            answer.told.append((asked, content, context))
        return Told([], [])

    answer.warnings = (await distributed.gather(request, sources, one)).warnings
    return answer


def names(given: Json, context: Context) -> list[str]:
    """A list of names, expanded; what is none is left out."""
    return [context.expand(one) for one in given if isinstance(one, str)] if isinstance(given, list) else []


def types(found: Iterable[str], asked: Source) -> list[str]:
    """Those that the source registered."""
    known = asked.entities
    if known is None or not all(info.types for info in known):  # of NGSIv2, none: any type
        return [*found]
    registered = {name for info in known for name in info.types}
    return [one for one in found if one in registered]


def attributes(found: Iterable[str], asked: Source) -> list[str]:
    """Those that the source registered."""
    return [one for one in found if asked.attrs is None or one in asked.attrs]


def objects(given: Json) -> list[dict[str, Any]]:
    """The JSON objects in an array."""
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def count(given: Json) -> int:
    """A number of things, if it is one."""
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else 0
