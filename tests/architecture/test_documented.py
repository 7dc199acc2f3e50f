"""What an operator can choose or call is written down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs.build import build

from kitamae.cli import app
from kitamae.edge.measures import Measures
from kitamae.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OPERATE = ROOT / "docs" / "operate"


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_a_setting_is_documented_with_its_default(name: str) -> None:
    row = re.search(rf"^\| `KITAMAE_{name.upper()}` \| (.+?) \|", (OPERATE / "settings.md").read_text(), re.M)
    assert row, f"docs/operate/settings.md does not name KITAMAE_{name.upper()}"
    default = Settings.model_fields[name].default
    said = "none" if default in (None, "") else f"`{str(default).lower()}`"
    assert row[1] == said


def test_no_setting_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"KITAMAE_([A-Z_]+)`", (OPERATE / "settings.md").read_text()))
    assert named == {name.upper() for name in Settings.model_fields}


def commands() -> list[str]:
    names = []
    for name in app:
        if name.startswith("-"):
            continue
        sub = app[name]
        inner = [f"{name} {child}" for child in sub if not child.startswith("-")]
        names += inner or [name]
    return names


@pytest.mark.parametrize("name", commands())
def test_a_command_is_documented(name: str) -> None:
    assert f"`kitamae {name}" in (OPERATE / "commands.md").read_text()


def test_no_command_is_documented_that_does_not_exist() -> None:
    said = re.findall(r"^\| `kitamae ([a-z-]+(?: [a-z]+)?)", (OPERATE / "commands.md").read_text(), re.M)
    assert said
    for name in said:
        assert name in commands() or name.split()[0] in commands(), name


def test_every_measure_is_documented() -> None:
    text = (OPERATE / "watching.md").read_text()
    for family in Measures().registry.collect():
        if family.name.startswith("kitamae_"):
            assert f"`{family.name}" in text, family.name


def test_no_link_of_the_documentation_leads_nowhere(tmp_path: Path) -> None:
    assert build(tmp_path / "docs") == []


def test_what_the_readmes_name_is_there() -> None:
    for readme in ("README.md", "README.ja.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / readme).read_text()):
            assert (ROOT / link).exists(), f"{readme}: {link}"
