"""@context: what names mean. Compiled once, then looked up in dictionaries.

The core context is always the last word (clause 4.4): its terms cannot be redefined, and a name that nobody defined
belongs to its default vocabulary. Contexts are known by address: the core's in all versions, the city's own, those
that clients uploaded, and remote ones that were fetched once. Nothing is fetched twice, nothing is fetched without an
injected `fetch`, and what is here needs no network.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context import names
from kitamae.kernel.context.definitions import KEYWORDS, MAX_DEPTH, Compiler, Term, absolute, urls_in
from kitamae.kernel.context.lexical import is_name, is_uri
from kitamae.kernel.problems import BadRequest, LdContextUnavailable, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from kitamae.kernel.context.entity import Json

MAX_DOCUMENTS: Final = 32
"""Documents behind one @context."""
MAX_NAME: Final = 2_048
"""Characters of a name or an IRI."""
_REMEMBERED: Final = 4_096
_LONGEST_REMEMBERED: Final = 512
_COMPILED: Final = 64
_COMPILED_TERMS: Final = 100_000
_FETCHED: Final = 64
LONGEST: Final = 1_000_000
"""Bytes of an @context that is written out, or fetched: each of its terms is worked on in one go."""
_LONGEST_KEY: Final = 65_536


class _Memory(dict[str, str]):
    """Answers given before; forgets everything rather than grow without end."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[str], str]) -> None:
        self._work = work

    def __missing__(self, asked: str) -> str:
        answer = self._work(asked)
        if len(asked) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[asked] = answer
        return answer


class Context:
    """A compiled @context; never changes. `expand` and `compact` are dictionary lookups for names seen before.

    `key` names the meaning (same key, same answers), for caches. `source` is what a body's `@context` may say,
    `urls` what was loaded for it, `link` the one URL for a Link header, or None when there is no single one.
    """

    __slots__ = ("_terms", "compact", "expand", "iri", "key", "link", "shortest", "source", "urls", "word")

    expand: Callable[[str], str]
    """An attribute's or a type's name -> its IRI. Raises BadRequest for what cannot be a name (clause 4.6.2)."""
    iri: Callable[[str], str]
    """A word of a vocabulary (`vocab`, `valueType`, ...) -> its IRI; any text may be one."""
    compact: Callable[[str], str]
    """An IRI -> the shortest name for it; the IRI itself where there is none."""
    word: Callable[[str], str]
    """What `iri` reads back: a word may be any text, a name may not."""

    def __init__(
        self, terms: Mapping[str, Term], source: Json, urls: tuple[str, ...] = (), link: str | None = None
    ) -> None:
        self._terms = dict(terms)
        self.source, self.urls, self.link = source, urls, link
        digest = hashlib.blake2b(
            orjson.dumps(sorted([name, *term] for name, term in self._terms.items())), digest_size=12
        )
        self.key = digest.hexdigest()
        self.shortest = _shortest(self._terms)
        prefixes = [(term.iri, name + ":") for name, term in self._terms.items() if term.prefix and term.iri]
        self.expand = _Memory(lambda name: _expand(name, self._terms, strict=True)).__getitem__
        self.iri = _Memory(lambda name: _expand(name, self._terms, strict=False)).__getitem__
        self.compact = _Memory(lambda iri: _compact(iri, self._terms, self.shortest, prefixes)).__getitem__
        self.word = _Memory(
            lambda iri: _compact(iri, self._terms, self.shortest, prefixes, any_text=True)
        ).__getitem__

    @property
    def size(self) -> int:
        """How many terms."""
        return len(self._terms)

    def coercion(self, name: str) -> str | None:
        """`@id`, `@vocab` or a datatype's IRI, where the context says how a name's values are to be read."""
        term = self._terms.get(name)
        return term.coercion if term else None


def _expand(name: str, terms: Mapping[str, Term], strict: bool) -> str:
    term = terms.get(name)
    if term is not None:
        if term.iri is None:
            raise BadRequest(f"the @context says that {name!r:.200} means nothing (it maps it to null)")
        if term.iri not in KEYWORDS:
            return term.iri
        if strict:
            raise BadRequest(f"{name!r:.200} cannot be a name: in this @context it means {term.iri}")
    if strict and len(name) > MAX_NAME:
        raise BadRequest(f"a name of {len(name)} characters: at most {MAX_NAME} are read")
    iri = absolute(name, terms)
    if strict and not (is_name(name) if iri is None else is_uri(iri)):
        raise BadRequest(
            f"{name!r:.200} cannot be a name: expected a letter, then letters, digits or _, or prefix:name, or a URI"
        )
    return names.DEFAULT_VOCAB + name if iri is None else iri


def _shortest(terms: Mapping[str, Term]) -> dict[str, str]:
    """IRI -> term: the shortest, of those the least, as JSON-LD's inverse context chooses."""
    chosen: dict[str, str] = {}
    for name in sorted(terms, key=lambda name: (len(name), name)):
        iri = terms[name].iri
        if iri is not None and iri not in KEYWORDS:
            chosen.setdefault(iri, name)
    return chosen


def _compact(
    iri: str,
    terms: Mapping[str, Term],
    shortest: Mapping[str, str],
    prefixes: list[tuple[str, str]],
    *,
    any_text: bool = False,
) -> str:
    name = shortest.get(iri)
    if name is not None:
        return name
    if iri.startswith(names.DEFAULT_VOCAB):
        rest = iri[len(names.DEFAULT_VOCAB) :]
        named = is_name(rest) and rest not in names.OF_PROOF
        written = rest and ":" not in rest and rest[0] != "@" if any_text else named
        if written and rest not in terms:  # else nobody could write it: NGSIv2 has more names
            return rest
    best = iri
    for start, prefix in prefixes:
        if iri.startswith(start) and len(iri) > len(start):
            rest = iri[len(start) :]
            candidate = prefix + rest
            if candidate in terms or rest.startswith("//"):
                continue
            if best is iri or (len(candidate), candidate) < (len(best), best):
                best = candidate
    return best


_CORE_TERMS: Final = Compiler({}, {}).content(names.document()["@context"])

CORE: Final = Context(_CORE_TERMS, names.CORE_URL, (), names.CORE_URL)
"""The core context alone."""


def compile_context(source: Json, documents: Mapping[str, Json]) -> Context:
    """`source`: an @context value. `documents`: URL -> @context value, for every URL that it leads to but the core's.

    Raises BadRequest for what is not a context.
    """
    compiler = Compiler(documents, _CORE_TERMS)
    terms = {**compiler.content(source), **_CORE_TERMS}
    if terms == _CORE_TERMS:
        return CORE
    return Context(terms, source, tuple(dict.fromkeys(compiler.urls)), _single(source))


def _single(source: Json) -> str | None:
    """The URL that says it all: one that stands alone or beside the core context only."""
    if isinstance(source, str):
        return source
    if isinstance(source, list):
        others = [part for part in source if not (isinstance(part, str) and part in names.CORE_URLS)]
        if len(others) == 1:
            return _single(others[0])
    return None


class Contexts:
    """`registered`: URL -> document (`{"@context": ...}`), never dropped. `default`: what a request without @context means.

    `fetch(url)` answers the parsed document; it decides what may be fetched at all (addresses, size, time) and
    raises or returns: BadRequest for what is there and is no JSON (clause 5.5.6); anything else that it raises is
    LdContextUnavailable here.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Json]] | None = None,
        *,
        registered: Mapping[str, Json] | None = None,
        default: Json = None,
    ) -> None:
        self._fetch = fetch
        self._default = default
        self._registered: dict[str, Json] = {}
        self._fetched: dict[str, Json] = {}
        self._compiled: dict[bytes, Context] = {}
        self._underway: dict[str, asyncio.Task[Json]] = {}
        self.own = frozenset(registered or ())
        """The addresses of the city's own: a client may take none of them away."""
        for url, document in (registered or {}).items():
            self.register(url, document)

    def known(self, source: Json) -> Context | None:
        """The compiled context if it was resolved before: no await, for the hot path."""
        key = _key(source)
        return None if key is None else self._compiled.get(key)

    async def resolve(self, source: Json = None) -> Context:
        """Compile what a Link header or an `@context` member gave; None is the default.

        Raises BadRequest (not a context), LdContextUnavailable (a document cannot be had).
        """
        key = _key(source)
        if key is not None and (known := self._compiled.pop(key, None)) is not None:
            self._compiled[key] = known  # the last one used is the last one forgotten
            return known
        given = self._default if source is None else source
        if given is None:
            return CORE
        documents = await self._documents(given)
        context = compile_context(given, documents)
        if key is not None and all(self._here(url) is content for url, content in documents.items()):
            self._keep(key, context)
        return context

    def _keep(self, key: bytes, context: Context) -> None:
        self._compiled[key] = context
        size = sum(kept.size for kept in self._compiled.values())
        while len(self._compiled) > 1 and (len(self._compiled) > _COMPILED or size > _COMPILED_TERMS):
            size -= self._compiled.pop(next(iter(self._compiled))).size

    def register(self, url: str, document: Json) -> None:
        """Serve a document under its URL from now on, without the network. Raises BadRequest if it is no context."""
        self._registered[url] = _content(document, url)
        self._compiled.clear()

    def forget(self, url: str) -> None:
        """A registered or fetched document is gone; the next use fetches it anew, if it can be."""
        self._registered.pop(url, None)
        self._fetched.pop(url, None)
        self._compiled.clear()

    async def reload(self, url: str) -> None:
        """Fetch a document anew in the place of the copy that is here, which stays when that fails.

        Raises LdContextUnavailable, BadRequest (what came is no context).
        """
        if self._fetch is None:
            raise LdContextUnavailable(f"@context {url:.2000}: nothing is fetched")
        content = await self._get(self._fetch, url)
        if url in self._registered:
            self._registered[url] = content
        self._compiled.clear()

    def document(self, url: str) -> Json | None:
        """`{"@context": ...}` for any address that is here; None otherwise."""
        if url in names.CORE_URLS:
            return names.document()
        content = self._registered.get(url, self._fetched.get(url))
        return None if content is None else {"@context": content}

    def urls(self) -> list[str]:
        """Every address that is here, but the core's."""
        return [*self._registered, *(url for url in self._fetched if url not in self._registered)]

    async def _documents(self, source: Json) -> dict[str, Json]:
        """Everything that `source` leads to."""
        found: dict[str, Json] = {}
        frontier = urls_in(source)
        for _ in range(MAX_DEPTH + 1):
            wanted = [url for url in dict.fromkeys(frontier) if url not in found]
            if not wanted:
                break
            if len(found) + len(wanted) > MAX_DOCUMENTS:
                raise BadRequest(f"@context: more than {MAX_DOCUMENTS} documents")
            contents = await asyncio.gather(*(self._content(url) for url in wanted))
            found.update(zip(wanted, contents, strict=True))
            frontier = [
                url for at, content in zip(wanted, contents, strict=True) for url in urls_in(content, at)
            ]
        else:
            raise BadRequest(f"@context: more than {MAX_DEPTH} contexts within each other")
        return found

    def _here(self, url: str) -> Json | None:
        return self._registered.get(url, self._fetched.get(url))

    async def _content(self, url: str) -> Json:
        here = self._here(url)
        if here is not None:
            return here
        if self._fetch is None:
            raise LdContextUnavailable(f"@context {url:.2000} is not stored here, and nothing is fetched")
        task = self._underway.get(url)
        if task is None:
            task = self._underway[url] = asyncio.ensure_future(self._get(self._fetch, url))
            task.add_done_callback(lambda _: self._underway.pop(url, None))
        return await asyncio.shield(task)

    async def _get(self, fetch: Callable[[str], Awaitable[Json]], url: str) -> Json:
        try:
            document = await fetch(url)
        except BadRequest:
            raise
        except Problem as problem:
            raise LdContextUnavailable(
                f"@context {url:.2000}: {problem.detail or problem.title}"
            ) from problem
        except Exception as trouble:
            raise LdContextUnavailable(f"@context {url:.2000} cannot be had: {trouble}") from trouble
        content = _content(document, url)
        while len(self._fetched) >= _FETCHED:
            del self._fetched[next(iter(self._fetched))]
        self._fetched[url] = content
        return content


def _content(document: Json, url: str) -> Json:
    if isinstance(document, dict) and document.get("@context") is not None:
        return document["@context"]
    raise BadRequest(f"@context {url:.2000} is not a JSON-LD context: expected an object with @context")


def _key(source: Json) -> bytes | None:
    """What a source is remembered under; None: too long to remember. Raises BadRequest for one that is too long to read."""
    if source is None:
        return b""
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    text = orjson.dumps(source)
    if len(text) > LONGEST:
        raise BadRequest(f"an @context of {len(text):,} bytes in a body: at most {LONGEST:,} are read")
    return text if len(text) <= _LONGEST_KEY else None
