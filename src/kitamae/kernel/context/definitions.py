"""Reading an @context: the part of JSON-LD 1.1's "create term definition" that the names of NGSI-LD need.

Understood: URLs, objects, arrays and null; terms as text or object (`@id`, `@type`, `@container`, `@prefix`); prefixes,
`@vocab`, `@import`; keyword aliases. Skipped, because it has no meaning for the names of an entity: `@base`,
`@language`, `@direction`, reverse terms. Refused, by clause 5.5.7: a context within a term.
docs/decisions/0010-own-json-ld-subset.md says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin

from kitamae.kernel.context import names
from kitamae.kernel.context.lexical import has_scheme, is_uri
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json

MAX_DEPTH: Final = 10
"""Contexts that name contexts that name contexts."""
MAX_READINGS: Final = 64
"""How often one context may lead to a document: each may name the others again and again."""
MAX_CHAIN: Final = 100
"""Terms defined by terms that are defined by terms."""
MAX_TERMS: Final = 10_000
"""In one compiled context. Compiling so many takes 30 ms, in which nobody else is served."""

_GEN_DELIMS: Final = tuple(":/?#[]@")
KEYWORDS: Final = frozenset(
    [
        "@base",
        "@container",
        "@context",
        "@default",
        "@direction",
        "@graph",
        "@id",
        "@import",
        "@included",
        "@index",
        "@json",
        "@language",
        "@list",
        "@nest",
        "@none",
        "@prefix",
        "@propagate",
        "@protected",
        "@reverse",
        "@set",
        "@type",
        "@value",
        "@version",
        "@vocab",
    ]
)
_SETTINGS: Final = frozenset(
    ("@base", "@direction", "@import", "@language", "@propagate", "@protected", "@version", "@vocab")
)


class Term(NamedTuple):
    """One definition. `iri` None: the context says that the name means nothing. `coercion`: `@id`, `@vocab`, an IRI."""

    iri: str | None
    coercion: str | None = None
    container: str | None = None
    prefix: bool = False


def absolute(name: str, terms: Mapping[str, Term]) -> str | None:
    """`prefix:suffix` through its prefix, any other IRI as it is, None for a plain name."""
    prefix, colon, suffix = name.partition(":")
    if not colon or not prefix:
        return None
    if prefix != "_" and not suffix.startswith("//"):
        term = terms.get(prefix)
        if term is not None and term.prefix and term.iri:
            return term.iri + suffix
    return name if prefix == "_" or has_scheme(name) else None


class Compiler:
    """Reads context after context into one table. `documents` holds everything that the source names."""

    def __init__(self, documents: Mapping[str, Json], core: Mapping[str, Term]) -> None:
        self.documents = documents
        self.core = core
        self.terms = dict(core)
        self.vocab: str = names.DEFAULT_VOCAB
        self.urls: list[str] = []
        self.chain = 0

    def content(self, source: Json) -> dict[str, Term]:
        """All of it, read into one table. Raises BadRequest for what is not a context."""
        self.read(source, "")
        return self.terms

    def read(self, source: Json, base: str, path: tuple[str, ...] = ()) -> None:
        """Any @context value. `path`: the URLs that led here."""
        if isinstance(source, list):
            for part in source:
                if isinstance(part, list):
                    raise BadRequest("@context: an array within an array")
                self.read(part, base, path)
        elif isinstance(source, str):
            self.read_url(urljoin(base, source), path)
        elif isinstance(source, dict):
            self.define(source, base, path)
        elif source is None:
            self.terms, self.vocab = dict(self.core), names.DEFAULT_VOCAB
        else:
            raise BadRequest(f"@context: expected a URL, an object or an array of them, got {source!r:.80}")

    def read_url(self, url: str, path: tuple[str, ...]) -> None:
        """One document; the core context needs no reading, being the last word anyway."""
        if url in path:
            raise BadRequest(f"@context: {url} names itself, by way of {' -> '.join(path)}")
        if len(path) >= MAX_DEPTH:
            raise BadRequest(f"@context: more than {MAX_DEPTH} contexts within each other, at {url}")
        if url in names.CORE_URLS:
            self.vocab = names.DEFAULT_VOCAB
            return
        if len(self.urls) >= MAX_READINGS:
            raise BadRequest(f"@context: more than {MAX_READINGS} documents, one after the other")
        self.urls.append(url)
        self.read(self.documents[url], url, (*path, url))

    def define(self, local: dict[str, Json], base: str, path: tuple[str, ...]) -> None:
        """One object of definitions, its own terms first where they build on each other."""
        imported = local.get("@import")
        if imported is not None:
            url = urljoin(base, _text(imported, "@import"))
            if url in path:
                raise BadRequest(f"@context: {url} imports itself")
            content = names.document()["@context"] if url in names.CORE_URLS else self.documents[url]
            if not isinstance(content, dict):
                raise BadRequest(f"@context: {url} is imported and is not one object")
            local = {**content, **local}
        if local.get("@version", 1.1) != 1.1:
            raise BadRequest(f"@context: @version must be 1.1, got {local['@version']!r:.80}")
        if "@vocab" in local:
            vocab = local["@vocab"]
            self.vocab = names.DEFAULT_VOCAB if vocab is None else self.iri(_text(vocab, "@vocab"), {}, {})
        done: dict[str, bool] = {}
        for name in local:
            self.term(name, local, done)
        if len(self.terms) > MAX_TERMS:
            raise BadRequest(f"@context: more than {MAX_TERMS} terms")

    def term(self, name: str, local: Mapping[str, Json], done: dict[str, bool]) -> None:
        """Define one term, and before it those that it builds on."""
        if name in done:
            if not done[name]:
                raise BadRequest(f"@context: {name!r:.200} is defined by way of itself")
            return
        if name in _SETTINGS:
            return
        given = local[name]
        if name == "" or name in KEYWORDS:
            if name == "@type" and isinstance(given, dict):
                return
            raise BadRequest(f"@context: {name!r} cannot be defined as a term")
        done[name] = False
        self.chain += 1
        if self.chain > MAX_CHAIN:
            raise BadRequest(f"@context, {name!r:.200}: more than {MAX_CHAIN} terms by way of each other")
        simple = not isinstance(given, dict)
        definition = {"@id": given} if simple else given
        if "@reverse" not in definition:
            self.terms[name] = self.definition(name, definition, simple, local, done)
        self.chain -= 1
        done[name] = True

    def definition(
        self,
        name: str,
        given: Mapping[str, Json],
        simple: bool,
        local: Mapping[str, Json],
        done: dict[str, bool],
    ) -> Term:
        """The term itself."""
        where = f"@context, {name!r:.200}"
        if "@context" in given and self.core:
            raise BadRequest(f"{where}: a term cannot have an @context of its own (clause 5.5.7)")
        identifier = given.get("@id", name)
        if identifier is None:
            return Term(None)
        _text(identifier, where)
        if identifier != name:
            iri = self.iri(identifier, local, done)
        elif ":" in name[1:]:
            iri = self.iri_of_compact(name, local, done)
        else:
            iri = self.vocab + name
        coercion = given.get("@type")
        if coercion is not None and (coercion := _text(coercion, where + ", @type")) not in KEYWORDS:
            coercion = self.iri(coercion, local, done)
        container = given.get("@container")
        if isinstance(container, list):
            container = container[0] if len(container) == 1 else "@set"
        if container is not None:
            _text(container, where + ", @container")
        prefix = given.get("@prefix", simple and ":" not in name and iri.endswith(_GEN_DELIMS))
        if not isinstance(prefix, bool):
            raise BadRequest(f"{where}: @prefix must be true or false")
        return Term(iri, coercion, container, prefix and iri not in KEYWORDS)

    def iri(self, name: str, local: Mapping[str, Json], done: dict[str, bool]) -> str:
        """What `name` means within the context that is being read."""
        if name in KEYWORDS:
            return name
        if name in local and not done.get(name):
            self.term(name, local, done)
        known = self.terms.get(name)
        if known is not None and known.iri is not None:
            return known.iri
        if ":" in name[1:]:
            return self.iri_of_compact(name, local, done)
        return self.vocab + name

    def iri_of_compact(self, name: str, local: Mapping[str, Json], done: dict[str, bool]) -> str:
        """`prefix:suffix`, or an IRI."""
        prefix, _, suffix = name.partition(":")
        if prefix in local and not suffix.startswith("//") and not done.get(prefix):
            self.term(prefix, local, done)
        return absolute(name, self.terms) or self.vocab + name


def _text(given: Json, where: str) -> str:
    if not isinstance(given, str):
        raise BadRequest(f"{where}: expected text, got {given!r:.80}")
    return given


def urls_in(source: Json, base: str = "") -> list[str]:
    """The URLs that a context value names itself, absolute, without the core's. Raises BadRequest for what is no URL."""
    found: list[str] = []
    for part in source if isinstance(source, list) else [source]:
        named = part.get("@import") if isinstance(part, dict) else part
        if isinstance(named, str):
            url = urljoin(base, named)
            if not is_uri(url):
                raise BadRequest(f"@context: expected a URL, got {named!r:.200}")
            if url not in names.CORE_URLS:
                found.append(url)
    return found
