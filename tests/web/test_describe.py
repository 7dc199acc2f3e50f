"""Whatever the broker keeps can be shown: no entity breaks its page."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kitamae.web import describe, speak
from kitamae.web.routes import problem_handlers, routes
from kitamae.web.shell import Shell
from kitamae.web.words import Words
from web.conftest import value
from web.fake import FakeContext

WORDS = Words.load()
SHELL = Shell(FakeContext([]), words=WORDS)
SITE = TestClient(Starlette(routes=routes(SHELL), exception_handlers=problem_handlers(SHELL)))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TIMES = st.datetimes().map(lambda at: at.isoformat() + "Z")
ATTRIBUTE = (
    st.fixed_dictionaries({"type": st.just("Property"), "value": JSON}, optional={"unitCode": st.text(max_size=4), "observedAt": TIMES})
    | st.fixed_dictionaries({"type": st.just("LanguageProperty"), "languageMap": st.dictionaries(st.text(max_size=4), st.text() | st.lists(st.text()), max_size=3)})
    | st.fixed_dictionaries({"type": st.just("Relationship"), "object": st.text(min_size=1) | st.lists(st.text(min_size=1), max_size=3)})
    | st.fixed_dictionaries({"type": st.just("VocabProperty"), "vocab": st.text() | st.lists(st.text(), max_size=2)})
    | st.fixed_dictionaries({"type": st.just("JsonProperty"), "json": JSON})
    | st.fixed_dictionaries({"type": st.just("ListProperty"), "valueList": st.lists(JSON, max_size=3)})
)  # fmt: skip
NAMES = st.sampled_from(
    ["名称", "名称_カナ", "住所", "location", "水位", "災害種別_洪水", "出典", "町名", "年"]
) | st.text(min_size=1)
ENTITIES = st.builds(
    lambda uri, types, attributes: {**attributes, "id": uri, "type": types, "modifiedAt": "2026-11-21T07:00:00Z"},
    # without %: Starlette's test client decodes an address twice, a server does it once
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="%"), min_size=1).map(
        lambda text: "urn:x:" + text
    ),
    st.sampled_from(["EvacuationShelter", "Koaza", "https://example.org/A/b#c"]) | st.lists(st.sampled_from(["A", "B"]), min_size=1, unique=True),
    st.dictionaries(NAMES, ATTRIBUTE | st.lists(ATTRIBUTE, min_size=1, max_size=2), max_size=5),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTITIES, st.sampled_from(["ja", "ja_Hira", "en"]))
def test_every_entity_has_a_page_in_every_language_and_is_found_from_its_list(entity, lang):
    SHELL.context = FakeContext([entity])
    SITE.cookies.set("lang", lang)
    for address in ("/", "/map", "/data", speak.link(entity), speak.kind_link(speak.types(entity)[0])):
        assert SITE.get(address).status_code == 200, address


def shown(attribute, language="ja"):
    return describe.rows({"id": "urn:x:1", "type": "X", "a": attribute}, WORDS, language)[0].values


def test_numbers_come_with_separators_years_without():
    assert shown(value(77335))[0].text == "77,335"
    rows = describe.rows({"id": "urn:x:1", "type": "X", "年": value(1980)}, WORDS, "ja")
    assert rows[0].values[0].text == "1980"


def test_only_web_addresses_become_links():
    assert shown(value("https://www.city.kaga.ishikawa.jp/"))[0].look == "link"
    assert shown(value("javascript:alert(1)"))[0].look == "text"


def test_a_relationship_is_shown_by_the_name_of_what_it_leads_to():
    entity = {"id": "urn:x:1", "type": "X", "町": {"type": "Relationship", "object": ["urn:x:2", "urn:x:3"]}}
    assert describe.related(entity) == ["urn:x:2", "urn:x:3"]
    rows = describe.rows(entity, WORDS, "ja", {"urn:x:2": "大聖寺"})
    assert [one.text for one in rows[0].values] == ["大聖寺", "urn:x:3"]
    assert rows[0].values[0].href == "/entity/urn:x:2"


def test_counts_by_row_and_column_are_a_table():
    cells = shown(
        {"type": "JsonProperty", "json": {"0-4歳": {"男性": 2755, "女性": 2629}, "不詳": {"男性": 1}}}
    )[0].cells
    assert cells == (("", "男性", "女性"), ("0-4歳", "2,755", "2,629"), ("不詳", "1", ""))


@pytest.mark.parametrize(
    "typed",
    [{"@type": "DateTime", "@value": "2025-10-16T09:50:00Z"}, {"@type": "DateTime", "@value": "Tuesday"}],
)
def test_a_typed_value_is_a_time_in_words_or_as_it_is(typed):
    assert shown(value(typed))[0].text in ("2025年10月16日 18:50", "Tuesday")


def test_the_keepers_numbers_and_the_source_come_last():
    entity = {
        "id": "urn:x:1",
        "type": "X",
        "出典": value("s"),
        "管理番号": value("1"),
        "設置位置": value("入口"),
    }
    assert [row.name for row in describe.rows(entity, WORDS, "ja")] == ["設置位置", "管理番号", "出典"]


def test_a_city_adds_its_own_words_and_overrides_ours(tmp_path):
    (tmp_path / "words.toml").write_text('[type.Bus]\nja = "バス"\n[type.Hub]\nja = "中心"\n', "utf-8")
    words = Words.of_city(tmp_path)
    assert (words.kind("Bus", "en"), words.kind("Hub", "ja"), words.kind("Town", "ja")) == (
        "バス",
        "中心",
        "町",
    )
    assert Words.of_city(None).kind("Hub", "ja") == "まちの拠点"
