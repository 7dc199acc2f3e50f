"""No page, feed or list says an address that whoever asks made up: not by Host, nor by what proxies add."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from serving import Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
EVIL = "evil.example"
ALSO = (
    "/registers/sensors.atom", "/registers/sensors.csv", "/registers/sensors.json", "/registers/pias.atom", "/ngsi-ld/v1/jsonldContexts",
    "/ngsi-ld/v1/entities?local=true&limit=2", "/ngsi-ld/v1/info/sourceIdentity", "/v2/entities?limit=2", "/ledger/checkpoint",
    "/.well-known/openid-configuration", "/.well-known/authzen-configuration", "/data", "/openapi.json",
)  # fmt: skip


@pytest.mark.parametrize("public", ["", "https://city.example.jp"])
async def test_an_address_that_the_city_says_is_its_own(tmp_path: Path, public: str) -> None:
    async with serving(tmp_path / "data", city=KAGA, public_url=public) as served:
        await served.loaded()
        said, found = [], 0
        for path in sorted({*paths(served), *ALSO}):
            for header in ({"Host": EVIL}, {"X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}"}):
                answer = await served.client.get(path, headers=header)
                assert answer.status_code < 500 or "ledger" in path, path
                found += answer.status_code == 200
                if EVIL in answer.text or EVIL in str(answer.headers):
                    said.append(path)
        assert said == []
        assert found > 60
        atom = (await served.client.get("/registers/sensors.atom", headers={"Host": EVIL})).text
        assert (public or "http://127.0.0.1:8080") in atom


def paths(served: Served) -> list[str]:
    """Every address that needs nothing to be filled in."""
    routes = served.kitamae.city._rooms._app.routes
    return [
        one.path
        for one in routes
        if isinstance(one, Route) and not isinstance(one, Mount) and "{" not in one.path and not one.path.endswith("/events") and "GET" in (one.methods or ())
    ]  # fmt: skip
