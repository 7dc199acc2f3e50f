"""A warning in the city, without a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from serving import Served

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"
RAIN = "urn:ngsi-ld:Alert:17206:rain"


async def warn(town: Served, name: str, level: int = 3) -> None:
    at = "2026-11-21T00:00:00Z"
    said = {"名称": name, "警戒レベル": level, "状態": "発表中", "有効期限": "2126-01-01T00:00:00Z"}
    entity: dict[str, Any] = {"id": RAIN, "type": "Alert"}
    entity |= {key: {"type": "Property", "value": value, "observedAt": at} for key, value in said.items()}
    answer = await town.client.post("/ngsi-ld/v1/entityOperations/upsert", json=[entity])
    assert answer.status_code in (201, 204), answer.text
