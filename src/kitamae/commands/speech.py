"""The language of the command line: Japanese where the terminal is Japanese or `--lang ja` says so, else English.

The text in the code is English and the key; `locales/ja.po` beside this file has the Japanese. A command's help is its
docstring, taken apart by paragraphs and parameters. What cyclopts itself says (its errors, `Usage`, `[required]`) has no
door for another language and stays English.
"""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cyclopts import Group

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cyclopts import App

    from kitamae.kernel.problems import Problem

LANGUAGES: Final = ("ja", "en")
CATALOG: Final = Path(__file__).parent / "locales" / "ja.po"
GROUPS: Final = ("Commands", "Arguments", "Parameters")
FLAGS: Final = {"--help": "Display this message and exit.", "--version": "Display application version."}
_language = "en"


def choose(arguments: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The arguments without `--lang`, which may stand anywhere; from now on it is spoken.

    Without it the language is the locale's (LC_ALL, LC_MESSAGES, LANG: the first that is set). Raises BadRequest.
    """
    global _language  # noqa: PLW0603  # one terminal, one language
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    _language = "ja" if locale.startswith("ja") else "en"
    left: list[str] = []
    rest = iter(arguments)
    for one in rest:
        name, given, value = one.partition("=")
        if name != "--lang":
            left.append(one)
            continue
        wanted = value if given else next(rest, "")
        if wanted not in LANGUAGES:
            raise BadRequest(say("--lang {wanted}: expected ja or en", wanted=wanted))
        _language = wanted
    return left


def say(text: str, /, **values: Any) -> str:
    """The text in the language of the terminal; `{name}` in it stands for a value."""
    return _said(text).format(**values)


def count(one: str, many: str, /, n: int) -> str:
    """`say` for a number `{n}`: only English tells one from many."""
    text = one if n == 1 and _language == "en" else many
    return say(text, n=n)


def problem(told: Problem) -> str:
    """What went wrong. The sentence of the server is English; before it stands, in Japanese, of what kind it is."""
    title = str(told.more.get("title", told.title))
    detail = told.detail or title
    if _language == "en":
        return detail
    kind = _said(title)
    return kind if detail == title else f"{kind}: {detail}"


def teach(app: App) -> None:
    """Help in the language of the terminal, of this command and those below it; they must be resolved."""
    if _language == "en":
        return
    app.group_commands, app.group_arguments, app.group_parameters = (Group(_said(name)) for name in GROUPS)
    for name in app:
        inner = app[name]
        if name in FLAGS:
            inner.help = _said(FLAGS[name])
        elif not name.startswith("-"):
            if inner.default_command is not None:
                inner.default_command.__doc__ = _documented(inner.default_command.__doc__ or "")
            else:
                inner.help = _said(inner.help)
            teach(inner)
    app.help = _said(app.help) if app.default_command is None else app.help


def parts(documentation: str) -> tuple[list[str], dict[str, str]]:
    """The paragraphs of a command's docstring, and what it says of each parameter; each on one line."""
    text, _, below = cleandoc(documentation).partition("\nParameters\n----------\n")
    told: dict[str, list[str]] = {}
    for line in below.splitlines():
        if line and not line.startswith(" "):
            told[line] = []
        elif told:
            next(reversed(told.values())).append(line)
    return [_line(one) for one in text.split("\n\n") if one.strip()], {
        name: _line(" ".join(lines)) for name, lines in told.items()
    }


def _documented(documentation: str) -> str:
    paragraphs, parameters = parts(documentation)
    written = [_said(one) + "\n" for one in paragraphs]
    if parameters:
        written += ["Parameters", "----------"]
    written += [f"{name}\n    {_said(one)}" for name, one in parameters.items()]
    return "\n".join(written)


def _line(text: str) -> str:
    return " ".join(text.split())


def _said(text: str) -> str:
    return _catalog().get(text, text) if _language == "ja" else text


@cache
def _catalog() -> dict[str, str]:
    from babel.messages.pofile import read_po  # only where it is needed: `kitamae up` starts fast

    with CATALOG.open("rb") as file:
        return {
            str(one.id): str(one.string) for one in read_po(file) if one.id and one.string and not one.fuzzy
        }
