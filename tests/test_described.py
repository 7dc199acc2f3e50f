"""`/openapi.json` says all that is answered, and in one voice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kitamae import openapi
from kitamae.kernel.context.api.routes import ROUTES
from kitamae.kernel.context.v2.routes import ROUTES as ROUTES_V2
from kitamae.web import data_tracker
from serving import serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"


def references(found: Any) -> Iterator[str]:
    if isinstance(found, list):
        for one in found:
            yield from references(one)
    elif isinstance(found, dict):
        for name, value in found.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)


async def test_every_resource_of_both_dialects_and_every_page_is_described(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        described = (await served.client.get("/openapi.json")).json()
    paths = described["paths"]
    for route in ROUTES:
        assert route.method.lower() in paths[f"/ngsi-ld/v1/{route.path}"]
    both = [one for one in paths if one.startswith(("/v2", "/version")) and one not in data_tracker.PATHS]
    assert sum(len(paths[one]) for one in both) == len(ROUTES_V2)
    for page in ("/", "/rivers", "/places", "/kind/{kind}", "/api/places/search", "/metrics"):
        assert "get" in paths[page]
    for reference in references(described):
        found = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_operation_says_in_a_sentence_what_it_does() -> None:
    for path, operations in openapi.document([])["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)


def test_what_only_some_may_do_says_so() -> None:
    paths = openapi.document([])["paths"]
    assert {"token": []} in paths["/ngsi-ld/v1/entities"]["post"]["security"]
    assert "security" not in paths["/ngsi-ld/v1/entities"]["get"]
