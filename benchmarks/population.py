"""The entities that the benchmarks work on: 1 kB each, half of them with a name in Japanese, spread over Kaga."""

from __future__ import annotations

import json
import random
from typing import Any

TYPE = "PublicFacility"
WEST, SOUTH, EAST, NORTH = 136.25, 36.15, 136.50, 36.40
BUCKET = 20
"""How many entities share one value of `bucket`: what a query of 20 hits finds."""


def id_of(number: int) -> str:
    """`urn:ngsi-ld:PublicFacility:bench:0000042`."""
    return f"urn:ngsi-ld:{TYPE}:bench:{number:07d}"


def entity(number: int) -> dict[str, Any]:
    """Entity `number`; the same number gives the same entity."""
    draw = random.Random(number)
    return {
        "id": id_of(number),
        "type": TYPE,
        "名称": {"type": "Property", "value": f"加賀市第{number}集会所"},
        "level": {
            "type": "Property",
            "value": number % 977 / 10,
            "unitCode": "MTR",
            "observedAt": "2026-01-01T00:00:00Z",
        },
        "bucket": {"type": "Property", "value": number // BUCKET},
        "address": {
            "type": "Property",
            "value": {
                "addressRegion": "石川県",
                "addressLocality": "加賀市",
                "streetAddress": f"大聖寺南町ニ{number}",
            },
        },
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Point",
                "coordinates": [round(draw.uniform(WEST, EAST), 6), round(draw.uniform(SOUTH, NORTH), 6)],
            },
        },
        "description": {
            "type": "LanguageProperty",
            "languageMap": {"ja": "地区の集会所。" * 4, "en": "A hall. " * 6},
        },
        "owner": {"type": "Relationship", "object": f"urn:ngsi-ld:Organization:{number % 50}"},
        "openingHours": {"type": "Property", "value": "Mo-Fr 09:00-17:00; Sa 09:00-12:00; PH off"},
    }


def batches(count: int, size: int = 500) -> list[list[dict[str, Any]]]:
    """`count` entities in payloads of `size`."""
    return [[entity(n) for n in range(start, min(start + size, count))] for start in range(0, count, size)]


def kilobytes() -> float:
    """The size of one entity as JSON."""
    return len(json.dumps(entity(4242), ensure_ascii=False).encode()) / 1000
