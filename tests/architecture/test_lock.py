"""The lock files say what pyproject.toml asks for, with hashes, and name no index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = {
    "run.txt": PROJECT["dependencies"] + EXTRAS["build"],
    "dev.txt": PROJECT["dependencies"] + EXTRAS["build"] + EXTRAS["dev"],
}


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return {
        canonicalize_name(match[1]): match[2]
        for match in re.finditer(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.M)
    }


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_for_is_locked(name: str) -> None:
    versions = pinned(name)
    for line in ASKED[name]:
        wanted = Requirement(line)
        version = versions.get(canonicalize_name(wanted.name))
        assert version, f"{wanted.name} is not in requirements/{name}: run `make lock`"
        assert wanted.specifier.contains(version, prereleases=True), (
            f"{name}: {wanted} but {version} is locked"
        )


def test_both_environments_have_the_same_versions() -> None:
    run, dev = pinned("run.txt"), pinned("dev.txt")
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("name", [*ASKED, "conformance.txt", "interop.txt", "uv.txt"])
def test_every_line_has_a_hash_and_none_an_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.M).strip())
    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.split()[0]
    assert "://" not in text
    assert "--index" not in text


def test_npm_packages_are_locked_with_integrity_and_without_addresses() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert '"integrity": "sha512-' in text
