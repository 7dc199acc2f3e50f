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
from kitamae.kernel.context.veil import hidden_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.veil import Hidden


@dataclass(slots=True)
class Elsewhere:
    """What sources told, each with the words that it is told in, and the warnings about those that told nothing.

    `hidden`: from the caller, whoever tells it.
    """

    told: list[tuple[Source, Json, Context]] = field(default_factory=list)
    warnings: list[Header] = field(default_factory=list)
    hidden: Hidden | None = None

    def types(self, found: Iterable[str], asked: Source) -> list[str]:
        """Those that the source registered, and that the caller may see."""
        gone: Iterable[str] = () if self.hidden is None else self.hidden.types
        known = asked.entities
        if known is None or not all(info.types for info in known):  # of NGSIv2, none: any type
            return [one for one in found if one not in gone]
        registered = {name for info in known for name in info.types}
        return [one for one in found if one in registered and one not in gone]

    def attributes(self, found: Iterable[str], asked: Source, type: str | None = None) -> list[str]:
        """The same, of a type; None: of types that the source does not tell, so that one that is hidden of any may be hidden of all."""
        gone: Iterable[str] = ()
        if self.hidden is not None:
            gone = self.hidden.of((type,) if type is not None else self.hidden.attributes)
        return [one for one in found if (asked.attrs is None or one in asked.attrs) and one not in gone]

    def counts(self, attribute: str, types: Iterable[str]) -> bool:
        """May the caller know how many there are? Those of what he does not see cannot be taken out of a number."""
        what, seen = self.hidden, [*types]
        return what is None or (bool(seen) and not what.all_of(seen) and attribute not in what.of(seen))


async def ask(
    x: Exchange, request: Request, operation: str, path: str, *names: str, type: str | None = None
) -> Elsewhere:
    """All that offer the operation, and those that speak NGSIv2 and are read. `path` with `{}` for the `names` in the words of each; `type`: expanded, if about one."""
    wanted = (Wanted(TypeQ(((type,),))),) if type is not None else ()
    attrs = frozenset(names) if type is None else frozenset[str]()

    def concerned(one: Registration) -> tuple[int, ...]:
        offered = "v2" in one.doc or operation in one.operations
        return relevant(Question(wanted, attrs), one) if offered else ()

    answer = Elsewhere(hidden=hidden_in(request.broker.store))
    if type is not None and answer.hidden is not None and type in answer.hidden.types:
        return answer
    sources = distributed.sources(x, request, (operation, "queryEntity"), concerned)
    if not sources:
        return answer

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


def objects(given: Json) -> list[dict[str, Any]]:
    """The JSON objects in an array."""
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def count(given: Json) -> int:
    """A number of things, if it is one."""
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else 0
