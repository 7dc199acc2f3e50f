"""Languages: negotiation, fallbacks, and catalogs that say everything."""

from __future__ import annotations

import re
import string

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from kitamae.web.hazards import HAZARDS
from kitamae.web.languages import OFFERED, SOURCE, Catalog, known, negotiate, say
from kitamae.web.shell import HERE
from kitamae.web.words import Words


def texts_of_templates():
    found = extract_from_dir(
        HERE,
        [("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")],
        keywords={"_": None, "ngettext": (1, 2)},
    )
    messages = {entry[2] if isinstance(entry[2], str) else entry[2][0] for entry in found}
    return messages | set(HAZARDS.values())


@pytest.mark.parametrize("language", [language for language in OFFERED if language != SOURCE])
def test_every_text_of_every_template_is_translated_and_nothing_else_is(language):
    with (HERE / "locales" / f"{language}.po").open("rb") as file:
        catalog = read_po(file)
    translated = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalog
        if message.id and message.string and not message.fuzzy
    }
    assert translated == texts_of_templates()


@pytest.mark.parametrize("language", [language for language in OFFERED if language != SOURCE])
def test_translations_fill_the_same_gaps_as_the_original(language):
    gaps = re.compile(r"%\((\w+)\)s")
    with (HERE / "locales" / f"{language}.po").open("rb") as file:
        for message in read_po(file):
            if message.id:
                one = message.id if isinstance(message.id, str) else message.id[0]
                strings = [message.string] if isinstance(message.string, str) else message.string
                assert all(set(gaps.findall(text)) == set(gaps.findall(one)) for text in strings), one


def test_easy_japanese_reads_out_every_kanji_that_it_keeps():
    with (HERE / "locales" / "ja_Hira.po").open("rb") as file:
        for message in read_po(file):
            texts = [message.string] if isinstance(message.string, str) else message.string
            for text in texts if message.id else []:
                explained = re.sub(r"[㐀-鿿々]+[ぁ-ん]*\([ぁ-ん]+\)", "", text)
                assert not re.search(r"[㐀-鿿]", explained), text


def test_kinds_attributes_and_values_are_called_something_in_every_language():
    words = Words.load()
    for language in OFFERED:
        for code, entry in words.values.items():
            assert entry.get(language), (code, language)
        for kind, entry in words.types.items():
            assert entry.get(language), (kind, language)
        for name, entry in words.attributes.items():
            assert entry.get(language) or language == SOURCE, (name, language)  # its own name is Japanese
            assert (
                language != SOURCE
                or entry.get("ja")
                or not set(name) <= set(string.ascii_letters)
                or name == "URL"
            )


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ja", "ja"), ("en-US,en;q=0.5", "en"), ("ja-Hira", "ja_Hira"), ("ko,en;q=0.1", "ko"), ("zh-CN,zh;q=0.9", "zh"), ("fr,en;q=0.1", "en"), ("en;q=0,ja", "ja"),
        ("en;q=0.5,ja;q=0.9", "ja"), ("*", None), ("", None), ("en;q=x", None), (";;,=,", None),
    ],
)  # fmt: skip
def test_the_browsers_wish_is_heard(header, language):
    assert negotiate(header) == language


@given(st.text())
def test_no_header_breaks_the_negotiation(header):
    assert negotiate(header) in (*OFFERED, None)
    assert known(header) in (*OFFERED, None)


def test_a_language_without_its_own_text_gets_the_nearest_one():
    assert say({"ja": "市", "en": "City"}, "zh") == "City"
    assert say({"ja": "市"}, "ko") == "市"
    assert say({}, "ja", "?") == "?"
    assert Catalog("ja_Hira", []).gettext("地図") == "地図"


def test_english_tells_one_from_many():
    catalog = Catalog("en", [HERE / "locales"])
    assert catalog.ngettext("%(num)s件みつかりました", "%(num)s件みつかりました", 1) == "%(num)s place found"
    assert catalog.ngettext("%(num)s件みつかりました", "%(num)s件みつかりました", 2) == "%(num)s places found"
