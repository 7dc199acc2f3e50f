"""What a page refuses is said in its reader's language, by one catalogue for all pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitamae.web.shell import HERE, Shell
from web.fake import FakeContext

SOURCE = HERE.parent
PEOPLE = SOURCE / "kernel" / "people"
SAID_ON_PAGES = (
    *PEOPLE.glob("duties/*.py"), *PEOPLE.glob("delegates/*.py"), *PEOPLE.glob("sheltered/*.py"), *PEOPLE.glob("assisted/*.py"), *PEOPLE.glob("links/*.py"), *PEOPLE.glob("devices/*.py"),
    *PEOPLE.glob("requests/*.py"), *(PEOPLE / name for name in ("approval.py", "colleagues.py", "mynumber.py", "passkeys.py", "gate.py", "throttle.py", "orders.py", "order.py", "corrections.py", "proposal.py")),
    PEOPLE / "relying" / "flow.py", PEOPLE / "relying" / "issuer.py", PEOPLE / "vault" / "withholding.py", PEOPLE / "vault" / "erasing_for.py", PEOPLE / "vault" / "correcting.py", *(SOURCE / "kernel" / "registers").glob("*.py"), *(SOURCE / "kernel" / "supplies").glob("*.py"),
    *(one for area in ("duties", "delegates", "links", "devices", "my", "requests", "registers", "watching", "orders", "notices", "area_notices", "supplies", "sheets", "sheltered", "assisted") for one in (HERE / area).glob("*.py")),
    SOURCE / "kit" / "notices" / "paper.py",
    *(SOURCE / "kit" / "notices" / "area" / name for name in ("push.py", "subscribers.py")),
    *(HERE / name for name in ("sign_in.py", "passkeys.py", "residents.py", "handed.py", "sought.py", "edits.py")),
)  # fmt: skip
ONLY_A_PROGRAM = (
    "expected one of", "LINE sends less", "the file of the seal", "expected give or take", "expected yes, no", "expected end, just", "expected agree or", "expected receipt:", "expected note or",
    "expected renew", "expected self", "expected shown", "expected dismissed", "expected some of x, got", "expected ids of", "expected short names",
    "expected true or false", "expected a list of", "expected words by", "expected who reviewed", "expected an object", "expected the update's own",
    "expected `Bearer", "expected x", "texts are expected", "is an object with", "values: ", "`updates`", "not JSON", "UUID", "grant_type",
    "has no such part", "there is no such field", "there is no word", "there are x", "there is no x x", "there is no service", "there are forms for",
    "such a link writes", "this link does not write", "this link only works", "links of the kinds", "no such links", "older than", "it was reported as lost",
    "it begins at", "it ended at", "used as often", "for one tenant", "declared twice", "the register says", "public sensor register", "no register",
    "the token is not known", "is not connected", "stand-in", "vault is", "mandates are kept", "nobody is asked to agree", "not agreed to that",
    "nothing to enter", "is no number of", "does not publish", "published within", "that number is taken", "does not follow", "one files a case",
    "brings no assessment", "shorter than", "residents see to", "not a proposal of values", "x: x", "sensor.x", "as they were shown after", "two members of staff", "own keys are rotated", "there is nothing to",
)  # fmt: skip
"""What no form of a page can send, and what another page says in its own words: there the general sentence is enough."""


def raised(path: Path) -> Iterator[str]:
    """The sentences of what a module raises; `x` stands for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            said = node.exc.args[0]
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                yield said.value
            elif isinstance(said, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "x" for part in said.values
                )


def words(lang: Any) -> Any:
    shell = Shell(FakeContext([], {}))
    template = shell.environment(HERE, lang).get_template("refusals.html")
    return template.make_module({"lang": lang})


def test_every_sentence_that_a_page_may_have_to_say_is_in_the_catalogue() -> None:
    ja: Any = words("ja")
    said = {sentence: path.name for path in SAID_ON_PAGES for sentence in raised(path)}
    assert len(said) > 180
    unknown = {
        sentence: where
        for sentence, where in said.items()
        if not ja.known(sentence) and not any(part in sentence for part in ONLY_A_PROGRAM)
    }
    assert unknown == {}


@pytest.mark.parametrize("lang", ["ja", "ja_Hira", "en", "zh", "ko"])
def test_a_refusal_is_said_in_the_readers_language_and_once(lang: Any) -> None:
    module: Any = words(lang)
    said = {
        one: str(module.why(one))
        for one in (
            "whoever changes duties signs in with a passkey",
            "number: expected at most 20 letters, digits and hyphens",
            "what nobody knows",
        )
    }
    assert len(set(said.values())) == 3
    for sentence, told in said.items():
        assert sentence not in told
        assert bool(re.search("[ぁ-ん]", told)) == (lang in ("ja", "ja_Hira"))
    assert "20" in said["number: expected at most 20 letters, digits and hyphens"], (
        "the nearer one, not that it is too long"
    )


def test_no_page_shows_the_kernels_own_sentence_but_for_whoever_reports_it() -> None:
    shows = re.compile(r"\{\{ (?:failed|wrong|why|sentence|problem|detail)(?:\.detail)? \}\}")
    found = [
        str(path.relative_to(HERE))
        for path in sorted(HERE.rglob("*.html"))
        if shows.search(path.read_text("utf-8"))
    ]
    assert found == ["templates/problem.html"]
