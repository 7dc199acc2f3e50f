"""What is not said in every language is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitamae.sdk import check, said
from kitamae.sdk.manifest import LANGUAGES

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def told(findings) -> list[str]:
    return [str(finding) for finding in findings]


def area(folder: Path, text: str, **words: str) -> Path:
    """A folder that says `text`, with a catalog for each of `words`."""
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "a.html").write_text(f"<p>{{{{ _('{text}') }}}}", "utf-8")
    (folder / "locales").mkdir()
    for language, word in words.items():
        path = folder / "locales" / f"{language}.po"
        path.write_text(f'{HEAD}msgid "{text}"\nmsgstr "{word}"\n', "utf-8")
    return folder


def test_an_area_of_the_shell_needs_its_own_words_only_where_the_shell_has_none(tmp_path: Path) -> None:
    full = {"ja_Hira": "もどる", "en": "Back", "zh": "返回", "ko": "뒤로"}
    web = area(tmp_path / "web", "戻る", **full)
    (web / "words.toml").write_text("", "utf-8")
    area(web / "desk", "戻る")
    assert told(check.web(web)) == []
    area(web / "counter", "進む", en="On", zh="前进", ko="앞으로")
    assert told(check.web(web)) == ["counter/locales/ja_Hira.po: this language is missing"]


def test_a_translation_with_another_gap_or_none_at_all_is_found(tmp_path: Path) -> None:
    words = {"ja_Hira": "%(n)s こ", "en": "%(m)s pieces", "zh": "", "ko": "%(n)s개"}
    assert told(said.in_catalogs(area(tmp_path / "web", "%(n)s個", **words))) == [
        "web/locales/en.po: other gaps than in the original: %(m)s pieces for %(n)s個",
        "web/locales/zh.po: not translated: %(n)s個 (a.html:1)",
    ]


def test_easy_japanese_is_in_kana_but_for_what_is_typed_as_it_is(tmp_path: Path) -> None:
    web = area(tmp_path / "web", "戻る", ja_Hira="戻(もど)る", en="Back", zh="返回", ko="뒤로")
    (web / "words.toml").write_text(
        '[type.A]\nja = "川"\nja_Hira = "川"\nen = "R"\nzh = "河"\nko = "강"\n', "utf-8"
    )
    (web / "desk.py").write_text(
        'A = {"ja": "「外す」", "ja_Hira": "「外す」と かく"}\nB = {"ja_Hira": "人"}\n', "utf-8"
    )
    assert told(check.web(web)) == [
        "web/locales/ja_Hira.po: ja_Hira is in kana; 戻 is not: 戻(もど)る",
        "web/desk.py: ja_Hira is in kana; 人 is not: 人",
        "web/words.toml: ja_Hira is in kana; 川 is not: 川",
    ]


def test_a_catalog_that_cannot_be_read_is_one_finding(tmp_path: Path) -> None:
    folder = area(tmp_path / "web", "戻る", **dict.fromkeys(LANGUAGES[1:], "x"))
    (folder / "locales" / "ko.po").write_bytes(b'msgid "\xff\xfe"\nmsgstr "x"\n')
    [finding] = told(said.in_catalogs(folder))
    assert finding.startswith("web/locales/ko.po: cannot be read")


def test_a_vocabulary_lacks_a_language_or_is_none(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text(
        '[attribute."年"]\nja_Hira = "ねん"\nen = "Year"\nzh = "年"\n[unit.MTR]\nja = "m"\n', "utf-8"
    )
    assert told(said.in_vocabulary(path)) == ["words.toml: attribute 年 has no ko"]
    path.write_text("[", "utf-8")
    assert "cannot be read" in told(said.in_vocabulary(path))[0]


@pytest.mark.parametrize("missing", LANGUAGES)
def test_a_name_lacks_a_language(missing: str) -> None:
    words = {language: "x" for language in LANGUAGES if language != missing}
    assert told(said.in_names("a.toml", "name", words)) == [f"a.toml: name has no {missing}"]
