"""A page that needs nothing else: no other file, no server, no name of ours."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from kitamae.web.languages import NAMES, SOURCE, TAGS
from kitamae.web.shell import STATIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kitamae.sdk.manifest import Language
    from kitamae.web.shell import Shell

STYLE: Final = "plain.css"
SCRIPT: Final = "asof.js"


def draw(
    shell: Shell,
    folder: Path,
    template: str,
    language: Language,
    name: str,
    here: str,
    values: Mapping[str, Any],
) -> bytes:
    """`name`: the page's file without its ending; `here`: where it is when the server answers."""
    given = {
        "lang": language,
        "tag": TAGS[language],
        "city": shell.city,
        "style": _text(STYLE),
        "script": _text(SCRIPT),
        "policy": policy(),
        "switch": [(file(name, code), TAGS[code], NAMES[code], code) for code in shell.languages],
        "here": here,
    }
    return shell.environment(folder, language).get_template(template).render({**given, **values}).encode()


def policy() -> str:
    """What such a page may do: its own style and script, and nothing else."""
    style, script = _source(_text(STYLE)), _source(_text(SCRIPT))
    return f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def name(path: str) -> str:
    """The page's file without its ending."""
    return path.strip("/").replace("/", "-")


def file(name: str, language: Language) -> str:
    """Of one language; Japanese is the page's own."""
    return f"{name}.html" if language == SOURCE else f"{name}.{TAGS[language]}.html"


@cache
def _text(path: str) -> str:
    return (STATIC / path).read_text("utf-8")


@cache
def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
