"""Bodies that are read beside the event loop are read as strictly as small ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from api_client import Client, room

from kitamae.kernel.context.jsonld import LONGEST
from kitamae.kernel.turns import LARGE

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json

LONG = "x" * LARGE
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"


def large(value: Json, **more: Any) -> dict[str, Any]:
    return room(1, note={"type": "Property", "value": [LONG, value]}, **more)


async def test_a_large_entity_is_written_and_read_as_it_was(client: Client) -> None:
    given = large({"a": ["urn:ngsi-ld:nullable", '"urn:ngsi-ld:null', {"urn:ngsi-ld:null": 1}]})
    assert (await client.post("entities", given)).status == 201
    assert (await client.get(f"entities/{given['id']}")).json()["note"] == given["note"]


@pytest.mark.parametrize("wrong", ["urn:ngsi-ld:null", {"a": [{"b": "urn:ngsi-ld:null"}]}])
async def test_null_that_hides_in_a_large_value_is_refused(client: Client, wrong: Json) -> None:
    refusal = await client.post("entities", large(wrong))
    assert (refusal.status, refusal.error) == (400, "BadRequestData")


async def test_what_is_wrong_with_a_large_body_is_said(client: Client) -> None:
    text = orjson.dumps(large(1)).replace(b",1]", b"," + b"[" * 260 + b"1" + b"]" * 260 + b"]")
    assert (await client("POST", "entities", body=text)).status == 400
    assert (await client("POST", "entities", body=orjson.dumps(large(1))[:-1])).error == "InvalidRequest"
    nul = orjson.dumps(large("\0"))
    assert "NUL" in (await client("POST", "entities", body=nul)).json()["detail"]
    bad = large(1, wrong={"type": "Nothing", "value": 1})
    assert (await client.post("entities", bad)).error == "BadRequestData"


async def test_a_context_in_a_body_is_as_long_as_one_that_is_fetched(client: Client) -> None:
    context = {"note": f"https://example.org/{'x' * LONGEST}"}
    body = orjson.dumps({**room(1), "@context": [context, CORE]})
    refusal = await client("POST", "entities", body=body, headers={"content-type": "application/ld+json"})
    assert refusal.status == 400
    assert "at most 1,000,000" in refusal.json()["detail"]
