"""The command line speaks Japanese to those who do, and says the same."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import kitamae.app  # noqa: F401  # with it every problem is known
from kitamae import doctor
from kitamae.cli import app, main
from kitamae.commands import speech
from kitamae.directory.layout import Layout
from kitamae.kernel.problems import Problem
from kitamae.sdk.service import discover

COMMANDS = Path(speech.__file__).parent


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """At first, and again afterwards."""
    monkeypatch.setattr(speech, "_language", "en")


def spoken() -> set[str]:
    """What `say` and `count` are given, and help."""
    found = {*speech.GROUPS, *speech.FLAGS.values()}
    for module in COMMANDS.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "count", "map"):
                texts = [one for part in node.args for one in ast.walk(part) if isinstance(one, ast.Constant)]
                found |= {one.value for one in texts if isinstance(one.value, str)}
    found |= {text for kind in doctor.ALL.values() for text in (kind.what, kind.why, kind.do)}
    commands = [app]
    for one in commands:  # which grows by those below
        one.resolved_commands()
        if one.default_command is None:
            found.add(one.help)
            commands += [one[name] for name in one if not name.startswith("-")]
        else:
            paragraphs, parameters = speech.parts(one.default_command.__doc__ or "")
            found |= {*paragraphs, *parameters.values()}
    return found


def kinds_of_problems() -> set[str]:
    """Their titles. One that has no Japanese yet is said in English, before an English sentence."""
    found = set()
    kinds = [Problem]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("kitamae."):
            found.add(kind.title)
    return found


def catalog() -> dict[str, str]:
    with speech.CATALOG.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_everything_that_is_said_is_said_in_japanese_and_nothing_else_is_in_the_catalog() -> None:
    assert sorted(spoken() - catalog().keys()) == []
    assert sorted(catalog().keys() - spoken() - kinds_of_problems()) == []


def test_a_text_and_its_japanese_tell_the_same_values() -> None:
    for english, japanese in catalog().items():
        if "<vkey>" not in english:
            assert fields(english) == fields(japanese), english


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {"LANG": "ja_JP.UTF-8"}, "番号"),
        ([], {"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "number"),
        ([], {"LC_MESSAGES": "ja_JP", "LANG": "en_US.UTF-8"}, "番号"),
        ([], {}, "number"),
        (["--lang", "ja"], {"LANG": "en_US.UTF-8"}, "番号"),
        (["--lang=en"], {"LANG": "ja_JP.UTF-8"}, "number"),
    ],
)
def test_the_language_is_that_of_the_terminal_or_the_one_asked_for(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    assert speech.choose(["up", *arguments, "--port", "0"], environment) == ["up", "--port", "0"]
    assert speech.say("number") == said


@pytest.mark.parametrize("arguments", [["--lang", "fr"], ["up", "--lang"], ["--lang="]])
def test_a_language_that_is_not_spoken_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    assert "expected ja or en" in capsys.readouterr().err


def test_what_went_wrong_is_said_in_japanese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["status", "--data", str(tmp_path), "--lang", "ja"])
    told = capsys.readouterr().err
    assert told.startswith("kitamae: そのようなものはありません: ")
    assert "には、まちのデータがありません" in told


def test_what_a_server_refused_is_said_as_what_it_is_and_not_as_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Layout(tmp_path).state.touch()
    with pytest.raises(SystemExit):
        main(["doctor", "--copied", "nothing", "--data", str(tmp_path), "--lang", "ja"])
    assert capsys.readouterr().err.startswith("kitamae: そのようなものはありません: ")


def test_an_address_of_the_city_that_no_browser_opens_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_PUBLIC_URL", "city.example.jp")
    with pytest.raises(SystemExit):
        main(["doctor", "--data", str(tmp_path)])
    told = capsys.readouterr().err.lower()
    assert "public_url" in told
    assert "https://city.example.jp" in told


@pytest.mark.parametrize(
    ("lang", "services"), [("ja", "サービス {}件、指摘 0件"), ("en", "{} services, 0 findings")]
)
def test_a_command_answers_in_the_language(
    lang: str, services: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--lang", lang])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == services.format(len(discover()))
    speech.choose(["--lang", "en"], {})
    assert speech.count("{n} finding", "{n} findings", 1) == "1 finding"
