"""Readings of devices about what another source keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.observations import Observations
from kitamae.kernel.context.registration.registry import Registrations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kitamae.kernel.context.store import Store

GAUGE = "urn:ngsi-ld:RiverGauge:1"


def reading(number: int) -> dict[str, Any]:
    level = {"type": "Property", "value": 2.5, "observedAt": "2026-05-01T00:00:00Z"}
    return {"id": f"urn:ngsi-ld:RiverGauge:{number}", "type": "RiverGauge", "level": level}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    yield store
    await store.close()


async def registrations(store: Store, mode: str, **entity: str) -> Registrations:
    async def watch(*_: Any) -> None:
        return None

    kept = Registrations(store, watch)
    information = {"entities": [{"type": "RiverGauge", **entity}], "propertyNames": ["level"]}
    payload = {
        "type": "ContextSourceRegistration",
        "information": [information],
        "endpoint": "http://nomi.example",
        "mode": mode,
    }
    await kept.create("", payload, CORE)
    return kept


@pytest.mark.parametrize("mode", ["exclusive", "redirect"])
async def test_a_reading_of_what_another_source_keeps_is_refused_and_nothing_is_written(
    store: Store, mode: str
) -> None:
    others = await registrations(store, mode, id=GAUGE)
    door = Observations(store, CORE, registrations=others)
    refused, taken = await door.hear([reading(1), reading(2)])
    assert "keeps some of this in our place" in refused
    assert taken == ""
    assert await store.row("", GAUGE) is None
    assert await store.row("", "urn:ngsi-ld:RiverGauge:2") is not None
    assert await door.hear([reading(1)]) == [refused]


async def test_a_reading_that_inclusive_sources_have_too_is_taken(store: Store) -> None:
    door = Observations(store, CORE, registrations=await registrations(store, "inclusive"))
    assert await door.hear([reading(1)]) == [""]
    assert await store.row("", GAUGE) is not None
