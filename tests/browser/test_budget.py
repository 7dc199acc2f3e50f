"""How much a phone on a bad line has to fetch before anybody asks for a map."""

from __future__ import annotations

import gzip

import pytest

from browser.conftest import GAUGE, SHELTER


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/map",
        "/places",
        "/kind/EvacuationShelter",
        f"/entity/{SHELTER}",
        f"/history/{GAUGE}?attribute=水位",
    ],
)
def test_script_stays_under_20_kb_and_style_under_12_kb_gzipped_before_a_map_is_opened(visit, city, path):
    page = visit("/accessibility")
    fetched = []
    page.on("response", lambda response: fetched.append(response))  # noqa: PLW0108  (playwright wraps no builtin)
    page.goto(city + path, wait_until="networkidle")
    weight = {"script": 0, "stylesheet": 0}
    for response in fetched:
        assert response.url.startswith(city), f"{response.url} is elsewhere"
        kind = response.request.resource_type
        if kind in weight:
            weight[kind] += len(gzip.compress(response.body()))
    assert 0 < weight["script"] < 20_000
    assert 0 < weight["stylesheet"] < 12_000
