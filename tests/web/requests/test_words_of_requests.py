"""Every text of these pages is there in all five languages, with the same blanks to fill."""

from __future__ import annotations

import re

import pytest
from babel.messages.extract import extract_from_dir

from kitamae.web.languages import _messages
from kitamae.web.requests import HERE
from kitamae.web.shell import HERE as SHELL

TEXTS = sorted({text for _, _, text, _, _ in extract_from_dir(HERE / "templates", [("**.html", "jinja2")])})
BLANK = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("language", ["ja_Hira", "en", "zh", "ko"])
def test_every_text_is_there(language: str) -> None:
    known = {
        **_messages(SHELL / "locales" / f"{language}.po"),
        **_messages(HERE / "locales" / f"{language}.po"),
    }
    assert len(TEXTS) > 150
    assert [text for text in TEXTS if text not in known] == []
    for text in TEXTS:
        assert sorted(BLANK.findall(text)) == sorted(BLANK.findall(str(known[text]))), text


def test_easy_japanese_is_written_in_kana() -> None:
    for text in _messages(HERE / "locales" / "ja_Hira.po").values():
        assert not re.search(r"[一-鿿]", str(text)), text
