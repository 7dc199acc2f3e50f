"""What names mean: our compiled contexts against ETSI's published ones and against pyld."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld as pyld

from kitamae.kernel.context import names
from kitamae.kernel.context.jsonld import CORE, MAX_DOCUMENTS, Context, Contexts, compile_context
from kitamae.kernel.problems import BadRequest, LdContextUnavailable

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
CITY = "https://city.example/context.jsonld"


def published(shared: Path, version: str) -> dict[str, Any]:
    text = (shared / "data" / "contexts" / f"ngsi-ld-core-context-v{version}.jsonld").read_text()
    return json.loads(text)


# --- the core context


def test_our_table_writes_the_document_that_etsi_publishes(shared):
    assert names.document() == published(shared, "1.9")


@pytest.mark.parametrize("version", ["1.3", "1.4"])
def test_every_term_of_an_earlier_core_context_means_the_same_in_ours_save_two_corrected_slips(
    shared, version
):
    terms = published(shared, version)["@context"]
    earlier = compile_context([None, terms], {})
    differing = {
        term
        for term in terms
        if not term.startswith("@") and CORE.iri(term) != _iri(terms, term) and term not in ("id", "type")
    }
    assert differing == {"attributeCount", "attributeDetails"}
    assert earlier.compact(DEFAULT + "温度") == "温度"


def _iri(terms: dict[str, Any], term: str) -> str:
    given = terms[term]
    iri = given["@id"] if isinstance(given, dict) else given
    prefix, _, rest = iri.partition(":")
    return terms[prefix] + rest if prefix in terms else iri


@pytest.mark.parametrize("version", [*(f"-v1.{minor}" for minor in range(10)), ""])
async def test_every_core_context_address_is_served_without_a_network(version):
    url = f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
    contexts = Contexts()
    assert contexts.document(url) == names.document()
    assert (await contexts.resolve(url)).key == CORE.key


def test_a_name_nobody_defined_belongs_to_the_default_vocabulary():
    assert CORE.expand("河川水位") == DEFAULT + "河川水位"
    assert CORE.compact(DEFAULT + "河川水位") == "河川水位"


def test_an_iri_that_no_term_names_is_its_own_name():
    assert CORE.compact("https://example.org/水位#1") == "https://example.org/水位#1"


def test_a_user_context_cannot_redefine_a_core_term():
    ctx = compile_context({"location": "https://evil.example/location", "type": "https://evil.example/t"}, {})
    assert ctx.expand("location") == "https://uri.etsi.org/ngsi-ld/location"


# --- terms


def test_terms_may_build_on_prefixes_on_each_other_and_on_a_vocabulary_in_any_order():
    ctx = compile_context(
        {
            "水位": "河川:水位",
            "level": "水位",
            "bare": {"@type": "@id"},
            "河川": "https://city.example/river#",
            "@vocab": "https://city.example/words/",
        },
        {},
    )
    assert ctx.expand("水位") == ctx.expand("level") == "https://city.example/river#水位"
    assert ctx.expand("bare") == "https://city.example/words/bare"
    assert ctx.expand("河川:流量") == "https://city.example/river#流量"
    assert ctx.compact("https://city.example/river#流量") == "河川:流量"
    assert ctx.compact("https://city.example/river#水位") == "水位"
    assert ctx.coercion("bare") == "@id"


def test_the_core_vocabulary_stays_the_last_word_for_names_that_nobody_defined():
    assert compile_context({"@vocab": "https://city.example/"}, {}).expand("名称") == DEFAULT + "名称"


def test_a_prefix_needs_an_end_that_separates_or_to_say_that_it_is_one():
    plain = compile_context({"city": "https://city.example/a"}, {})
    said = compile_context({"city": {"@id": "https://city.example/a", "@prefix": True}}, {})
    assert plain.expand("city:b") == "city:b"
    assert said.expand("city:b") == "https://city.example/ab"


def test_a_null_in_an_array_forgets_what_came_before_it():
    ctx = compile_context([{"名": "https://a.example/名"}, None, {"町": "https://a.example/町"}], {})
    assert ctx.expand("名") == DEFAULT + "名"
    assert ctx.expand("町") == "https://a.example/町"


def test_a_name_that_the_context_sets_to_null_cannot_be_used():
    with pytest.raises(BadRequest, match="秘密"):
        compile_context({"秘密": None}, {}).expand("秘密")


@pytest.mark.parametrize(
    "name", ["温度", "výška_1", "Škola", "温度①", "が", "PM25", "ngsi-ld:speed", "urn:a:b"]
)
def test_these_are_names(name):
    assert CORE.compact(CORE.expand(name)) == name


@pytest.mark.parametrize(
    "name",
    ["", "my attr", "9Vehicle", "..", ".", "invalid(Name", "_a", "@foo", "温度!", "a b:c d", "a-b", "％"],
)
def test_these_are_not_names(name):
    with pytest.raises(BadRequest):
        CORE.expand(name)


@pytest.mark.parametrize("name", ["id", "type", "種別"])
def test_what_stands_for_a_keyword_is_no_name(name):
    with pytest.raises(BadRequest, match="cannot be a name"):
        compile_context({"種別": "@type"}, {}).expand(name)


def test_a_name_that_the_context_defines_may_look_as_it_likes():
    ctx = compile_context({"zip-code": "https://a.example/zip"}, {})
    assert ctx.compact(ctx.expand("zip-code")) == "zip-code"


def test_the_same_meaning_has_the_same_key_and_another_meaning_another():
    a = compile_context({"x": "https://a.example/x"}, {})
    assert a.key == compile_context([{"x": "https://a.example/x"}], {}).key
    assert a.key != compile_context({"x": "https://a.example/y"}, {}).key
    assert compile_context([], {}).key == CORE.key


def test_only_a_context_of_one_address_can_be_named_in_a_link_header():
    documents = {CITY: {"名": "https://a.example/名"}}
    assert compile_context(CITY, documents).link == CITY
    assert compile_context([CITY, names.CORE_URL], documents).link == CITY
    assert compile_context([CITY, {"x": "https://a.example/x"}], documents).link is None
    assert CORE.link == names.CORE_URL


# --- what is no context


@pytest.mark.parametrize(
    "source",
    [
        5,
        [[{}]],
        {"a": 5},
        {"a": {"@id": 5}},
        {"a": "b", "b": "a"},
        {"@id": "https://a.example/x"},
        {"@vocab": 5},
        {"@version": 1.0},
        {"a": {"@id": "https://a.example/x", "@prefix": "yes"}},
        {"a": {"@id": "https://a.example/x", "@context": {"b": "https://a.example/y"}}},
        {f"t{n}": f"t{n + 1}" for n in range(500)},
        {"": "https://a.example/x"},
        "not a url",
    ],
)
async def test_what_is_not_a_context_is_a_bad_request(source):
    with pytest.raises(BadRequest):
        await Contexts().resolve(source)


def test_a_context_of_too_many_terms_is_refused():
    with pytest.raises(BadRequest, match="10000"):
        compile_context({f"t{n}": f"https://a.example/{n}" for n in range(10_001)}, {})


# --- contexts by address


class Web:
    """A network of two or three documents that counts how often it is asked."""

    def __init__(self, **documents: Any) -> None:
        self.documents = {f"https://web.example/{name}": document for name, document in documents.items()}
        self.asked: list[str] = []

    async def __call__(self, url: str) -> Any:
        self.asked.append(url)
        await asyncio.sleep(0)
        if url not in self.documents:
            raise OSError("nobody is there")
        return self.documents[url]


async def test_a_remote_context_is_fetched_once_however_many_ask_at_once():
    web = Web(
        a={"@context": ["b", {"名": "https://a.example/名"}]}, b={"@context": {"町": "https://a.example/町"}}
    )
    contexts = Contexts(web)
    source = ["https://web.example/a", names.CORE_URL]
    found = await asyncio.gather(*(contexts.resolve(source) for _ in range(20)))
    assert sorted(web.asked) == ["https://web.example/a", "https://web.example/b"]
    assert found[0].expand("町") == "https://a.example/町"
    assert found[0].urls == ("https://web.example/a", "https://web.example/b")
    assert contexts.known(source).key == found[0].key


async def test_what_cannot_be_fetched_is_an_unavailable_context_and_is_tried_again():
    web = Web()
    contexts = Contexts(web)
    for _ in range(2):
        with pytest.raises(LdContextUnavailable, match="nobody is there"):
            await contexts.resolve("https://web.example/a")
    web.documents["https://web.example/a"] = {"@context": {"名": "https://a.example/名"}}
    assert (await contexts.resolve("https://web.example/a")).expand("名") == "https://a.example/名"


async def test_without_a_fetch_only_what_is_here_resolves():
    contexts = Contexts(registered={CITY: {"@context": {"名": "https://a.example/名"}}}, default=CITY)
    assert (await contexts.resolve()).expand("名") == "https://a.example/名"
    assert (await contexts.resolve(None)).link == CITY
    with pytest.raises(LdContextUnavailable):
        await contexts.resolve("https://web.example/a")


async def test_without_a_default_no_context_means_the_core():
    assert await Contexts().resolve() is CORE


async def test_a_document_that_is_no_context_is_a_bad_request():
    with pytest.raises(BadRequest, match="not a JSON-LD context"):
        await Contexts(Web(a=["nothing"])).resolve("https://web.example/a")


async def test_a_document_that_is_no_json_is_a_bad_request():
    async def broken(url: str) -> Any:
        raise BadRequest(f"{url} is not JSON")

    with pytest.raises(BadRequest, match="not JSON"):
        await Contexts(broken).resolve("https://web.example/a")


async def test_contexts_that_name_each_other_in_a_ring_are_refused():
    web = Web(a={"@context": "b"}, b={"@context": ["a"]})
    with pytest.raises(BadRequest, match="names itself"):
        await Contexts(web).resolve("https://web.example/a")


async def test_contexts_that_name_each_other_without_end_are_refused():
    async def endless(url: str) -> Any:
        return {"@context": url + "x"}

    with pytest.raises(BadRequest, match="within each other"):
        await Contexts(endless).resolve("https://web.example/a")


async def test_contexts_that_multiply_are_refused_before_they_cost_anything():
    def many(name: str) -> dict[str, Any]:
        return {"@context": [name] * 30}

    web = Web(a=many("b"), b=many("c"), c=many("d"), d=many("e"), e={"@context": {}})
    with pytest.raises(BadRequest):
        await Contexts(web).resolve("https://web.example/a")
    wide = [f"https://web.example/{n}" for n in range(MAX_DOCUMENTS + 1)]
    with pytest.raises(BadRequest, match="documents"):
        await Contexts(web).resolve(wide)


async def test_registering_and_forgetting_take_effect_at_once():
    contexts = Contexts()
    contexts.register(CITY, {"@context": {"名": "https://a.example/1"}})
    assert (await contexts.resolve(CITY)).expand("名") == "https://a.example/1"
    contexts.register(CITY, {"@context": {"名": "https://a.example/2"}})
    assert (await contexts.resolve(CITY)).expand("名") == "https://a.example/2"
    assert contexts.urls() == [CITY]
    assert contexts.document(CITY) == {"@context": {"名": "https://a.example/2"}}
    contexts.forget(CITY)
    assert contexts.known(CITY) is None
    assert contexts.document(CITY) is None


async def test_the_memory_of_contexts_is_bounded_and_forgets_the_least_used_first():
    contexts = Contexts(Web(**{f"c{n}": {"@context": {"名": f"https://a.example/{n}"}} for n in range(100)}))
    for n in range(100):
        await contexts.resolve(f"https://web.example/c{n}")
        await contexts.resolve("https://web.example/c0")
    assert len(contexts.urls()) <= 64
    assert contexts.known("https://web.example/c1") is None
    assert contexts.known("https://web.example/c99") is not None
    assert contexts.known("https://web.example/c0") is not None


async def test_a_few_large_contexts_fill_the_memory_as_many_small_ones_do():
    contexts = Contexts()
    for n in range(12):
        contexts.register(
            f"https://web.example/{n}",
            {"@context": {f"t{m}": f"https://a.example/{n}/{m}" for m in range(9_500)}},
        )
    for n in range(12):
        await contexts.resolve(f"https://web.example/{n}")
    kept = [n for n in range(12) if contexts.known(f"https://web.example/{n}") is not None]
    assert kept == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]


async def test_a_context_that_changed_while_it_was_put_together_is_not_remembered():
    async def slow(url: str) -> Any:
        contexts.register(CITY, {"@context": {"名": "https://a.example/new"}})
        return {"@context": {}}

    contexts = Contexts(slow, registered={CITY: {"@context": {"名": "https://a.example/old"}}})
    source = [CITY, "https://web.example/a"]
    assert (await contexts.resolve(source)).expand("名") == "https://a.example/old"
    assert (await contexts.resolve(source)).expand("名") == "https://a.example/new"


def test_a_name_longer_than_any_address_is_refused():
    with pytest.raises(BadRequest, match="2049 characters"):
        CORE.expand("名" * 2049)


async def test_an_import_is_read_before_what_imports_it():
    web = Web(a={"@context": {"p": "https://a.example/", "名": "p:old"}})
    ctx = await Contexts(web).resolve({"@import": "https://web.example/a", "名": "p:new"})
    assert ctx.expand("名") == "https://a.example/new"


# --- real input


def test_every_name_of_the_recommended_data_sets_comes_back_under_itself(shared):
    found = sorted((shared / "data" / "open-data-standard").rglob("*.jsonld"))
    assert len(found) == 30
    for path in found:
        source = json.loads(path.read_text())["@context"]
        ctx = compile_context(source, {})
        for name in set(source) - {"id", "type"}:
            assert ctx.compact(ctx.expand(name)) == name


# --- pyld as the oracle

_words = st.sampled_from(
    [
        "温度",
        "水位",
        "名称",
        "a",
        "ab",
        "abc",
        "speed",
        "location",
        "name",
        "river",
        "町",
        "町名",
        "level",
        "title",
    ]
)
_prefixes = st.sampled_from(["ex", "河", "sdm"])
_bases = st.sampled_from(["https://ex.example/", "https://ex.example/a#", "https://河.example/", "urn:x:"])
_suffixes = st.sampled_from(["温度", "a", "ab", "水位/1", "b"])


@st.composite
def _contexts(draw: st.DrawFn) -> dict[str, Any]:
    """Prefixes, and terms that are IRIs, prefixed names or other terms, some in the long form."""
    terms: dict[str, Any] = {prefix: draw(_bases) for prefix in draw(st.sets(_prefixes))}
    prefixes = sorted(terms)
    for word in draw(st.sets(_words)):
        iri: str = draw(_bases) + draw(_suffixes)
        if prefixes and draw(st.booleans()):
            iri = f"{draw(st.sampled_from(prefixes))}:{draw(_suffixes)}"
        terms[word] = {"@id": iri} if draw(st.booleans()) else iri
    return terms


def _loader(url: str, _: Any) -> dict[str, Any]:
    document = names.document() if url in names.CORE_URLS else {"@context": {}}
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": document,
    }


def _oracle_expand(context: Any, name: str) -> str:
    document = {"@context": [context, names.CORE_URL], name: {"value": 1}}
    [node] = pyld.expand(document, {"documentLoader": _loader})
    [iri] = node
    return iri


def _oracle_compact(context: Any, iri: str) -> str:
    expanded = [{iri: [{"https://uri.etsi.org/ngsi-ld/hasValue": [{"@value": 1}]}]}]
    found = pyld.compact(expanded, [context, names.CORE_URL], {"documentLoader": _loader})
    [name] = set(found) - {"@context"}
    return name


@settings(max_examples=100, deadline=None)
@given(_contexts(), _words, _prefixes, _suffixes)
def test_expanding_agrees_with_pyld(context, word, prefix, suffix):
    ctx: Context = compile_context([context, names.CORE_URL], {})
    for name in (word, f"{prefix}:{suffix}"):
        assert ctx.iri(name) == _oracle_expand(context, name)


@settings(max_examples=100, deadline=None)
@given(_contexts(), _bases, _suffixes, _words)
def test_compacting_agrees_with_pyld_and_can_be_undone(context, base, suffix, word):
    ctx: Context = compile_context([context, names.CORE_URL], {})
    for iri in (base + suffix, DEFAULT + word, names.NGSI_LD + word):
        name = ctx.compact(iri)
        assert name == _oracle_compact(context, iri)
        assert ctx.iri(name) == iri


@pytest.mark.parametrize("name", ["entityIdSealed", "entityTypeSealed"])
def test_an_attribute_called_like_a_member_of_a_proof_is_written_in_full(name: str) -> None:
    """NGSIv2 may call one so; a short name would be read as that member."""
    iri = names.DEFAULT_VOCAB + name
    assert CORE.compact(iri) == f"ngsi-ld:default-context/{name}"
    assert CORE.expand(CORE.compact(iri)) == iri
    assert CORE.iri(CORE.word(iri)) == iri
