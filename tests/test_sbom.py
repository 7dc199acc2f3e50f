"""What Kitamae is made of is told in the form that scanners read, and whole."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from kitamae import __version__
from kitamae.cli import main
from kitamae.sbom import bill
from kitamae.web.vendor import INVENTORY

NPM = [
    {"name": "@digital-go-jp/design-tokens", "version": "1.1.9", "license": "MIT", "integrity": "", "needs": []},
    {"name": "pmtiles", "version": "4.5.0", "license": "BSD-3-Clause", "integrity": "sha512-" + "A" * 86 + "==", "needs": ["fflate"]},
    {"name": "fflate", "version": "0.8.2", "license": "(MIT OR Apache-2.0)", "integrity": "", "needs": []},
]  # fmt: skip


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "packages.json"
    path.write_text(json.dumps(NPM), "utf-8")
    return path


def test_it_is_valid_by_the_schema_with_and_without_npm_packages(inventory: Path, tmp_path: Path) -> None:
    for path in (inventory, tmp_path / "nothing", INVENTORY):
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill(path)) is None


def test_everything_that_runs_is_listed_with_its_version_and_nothing_that_only_tests_need(
    inventory: Path,
) -> None:
    told = json.loads(bill(inventory))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    root = told["metadata"]["component"]
    assert (root["name"], root["version"], root["type"]) == ("kitamae", __version__, "application")
    assert root["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    by = {one["purl"]: one for one in told["components"]}
    for name in ("starlette", "cryptography", "cedarpy", "cffi"):  # cffi: only cryptography needs it
        assert f"pkg:pypi/{name}@{metadata.version(name)}" in by
    assert not [
        purl for purl in by if purl.startswith(("pkg:pypi/pytest@", "pkg:pypi/ruff@", "pkg:pypi/kitamae@"))
    ]
    tokens = by["pkg:npm/%40digital-go-jp/design-tokens@1.1.9"]
    assert (tokens["group"], tokens["licenses"]) == ("@digital-go-jp", [{"license": {"id": "MIT"}}])
    assert by["pkg:npm/pmtiles@4.5.0"]["hashes"] == [{"alg": "SHA-512", "content": "0" * 128}]
    needs = {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}
    assert needs["pkg:npm/pmtiles@4.5.0"] == ["pkg:npm/fflate@0.8.2"]
    assert (
        f"pkg:pypi/cffi@{metadata.version('cffi')}"
        in needs[f"pkg:pypi/cryptography@{metadata.version('cryptography')}"]
    )
    assert f"pkg:pypi/starlette@{metadata.version('starlette')}" in needs[root["bom-ref"]]


def test_the_command_writes_it_and_names_no_registry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sbom", "--to", str(tmp_path / "bom.json")])
    assert ended.value.code in (0, None)
    text = (tmp_path / "bom.json").read_text("utf-8")
    assert json.loads(text)["components"]
    assert "resolved" not in text
    assert "registry" not in text
