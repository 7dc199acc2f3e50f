"""Languages: negotiation, fallbacks, and catalogs that say everything."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.hazards import HAZARDS
from kitamae.web.languages import OFFERED, SOURCE, Catalog, known, negotiate, say
from kitamae.web.shell import HERE, Shell
from kitamae.web.words import Words
from web.fake import FakeContext


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


PO = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "印"
msgstr "\\"&<script>%(name)s'"

msgid "%(num)s件"
msgid_plural "%(num)s件"
msgstr[0] "\\"%(num)s"
msgstr[1] "\\"%(num)s\\""
"""


def test_what_a_translator_wrote_ends_no_attribute_and_opens_no_tag_and_a_letter_has_it_as_it_is(tmp_path):
    for name in ("templates", "locales"):
        (tmp_path / name).mkdir()
    (tmp_path / "locales" / "en.po").write_text(PO, "utf-8")
    said = """<a title="{{ _('印', name='"x"') }}" {{ {'title': ngettext('%(num)s件', '%(num)s件', 2)} | xmlattr }}>{{ _('印', name='y') }}</a>"""
    letter = "{{ _('印', name='y') }} {{ ngettext('%(num)s件', '%(num)s件', 1) }}"
    for name, text in (("page.html", said), ("mail.txt", letter)):
        (tmp_path / "templates" / name).write_text(text, "utf-8")
    environment = Shell(FakeContext([], {})).environment(tmp_path, "en")
    page = environment.get_template("page.html").render()
    (tag,) = HtmlTags.of(page)
    assert tag == ("a", {"title": '"&<script>"x"\''})
    assert page.count("<") == 2
    assert environment.get_template("mail.txt").render() == '"&<script>y\' "1'


ATTRIBUTE = re.compile(r"='[^'<>]*\{\{")


def test_no_attribute_with_something_filled_in_is_written_with_single_quotes():
    """There an apostrophe of a translation would end it."""
    for file in HERE.parent.rglob("templates/*.html"):
        text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", file.read_text("utf-8"), flags=re.S)
        tags = re.findall(r"<[a-z][^<]*", re.sub(r"\{\{.*?\}\}", "{{", text, flags=re.S))
        assert not [tag for tag in tags if ATTRIBUTE.search(tag)], file


class HtmlTags(HTMLParser):
    """The tags of a page, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs[:1])))

    @classmethod
    def of(cls, page: str):
        parser = cls()
        parser.feed(page)
        return parser.found
