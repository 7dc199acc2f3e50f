"""The npm packages are copied whole or not at all, and no page needs them."""

from __future__ import annotations

import json

from kitamae.web import vendor


def packages(at):
    for package, files in vendor.FILES.items():
        for file in files:
            path = at / package / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file, "utf-8")
    return at


def test_each_package_is_copied_with_its_licence_and_what_was_there_goes(tmp_path):
    to = tmp_path / "vendor"
    (to / "old").mkdir(parents=True)
    assert vendor.copy(packages(tmp_path / "node_modules"), to) == []
    assert (to / "design-tokens" / "LICENSE").is_file()
    assert (to / "maplibre-gl" / "maplibre-gl.mjs").is_file()
    assert not (to / "old").exists()


def test_a_missing_file_leaves_everything_as_it_was(tmp_path):
    to = tmp_path / "vendor"
    found = packages(tmp_path / "node_modules")
    assert vendor.copy(found, to) == []
    (found / "pmtiles" / "dist" / "pmtiles.js").unlink()
    assert vendor.copy(found, to) == ["pmtiles/dist/pmtiles.js"]
    assert (to / "pmtiles" / "pmtiles.js").is_file()


def test_without_the_packages_a_page_has_its_list_and_offers_no_map(site, shell):
    shell.__dict__["vendored"] = False
    page = site.get("/map").text
    assert '<li class="place"' in page
    assert "data-island" not in page
    assert "tokens.css" not in page
    shell.__dict__["vendored"] = True
    assert "data-island" in site.get("/map").text


def test_what_was_copied_is_listed_without_tools_and_addresses(tmp_path):
    found = packages(tmp_path / "node_modules")
    entry = {
        "version": "4.5.0",
        "resolved": "https://elsewhere.example/x",
        "integrity": "sha512-AAAA",
        "license": "MIT",
    }
    installed = {
        "node_modules/pmtiles": {**entry, "dependencies": {"fflate": "^0.8.2"}},
        "node_modules/tool": {**entry, "dev": True},
    }
    (found / ".package-lock.json").write_text(json.dumps({"packages": installed}), "utf-8")
    to = tmp_path / "vendor"
    assert vendor.copy(found, to) == []
    assert json.loads((to / "packages.json").read_text("utf-8")) == [
        {
            "name": "pmtiles",
            "version": "4.5.0",
            "license": "MIT",
            "integrity": "sha512-AAAA",
            "needs": ["fflate"],
        }
    ]
