"""A small city without a broker. The shapes are those of `cities/kaga`; the places are real, their number is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kitamae.sdk.context import Reading
from kitamae.sdk.hazards import HAZARDS
from kitamae.web.routes import problem_handlers, routes
from kitamae.web.shell import City, Entry, Shell
from kitamae.web.tiles import Basemap
from web.fake import FakeContext

TOILET = "urn:ngsi-ld:PublicToilet:172065:1"
KNOWN = "urn:ngsi-ld:EvacuationShelter:172065:E1720600002111"
UNKNOWN = "urn:ngsi-ld:EvacuationShelter:172065:E1720600001111"
GAUGE = "urn:ngsi-ld:RiverGauge:1700000063"


def value(content, **more):
    return {"type": "Property", "value": content, **more}


def at(longitude, latitude):
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}}


def shelter(id, name, address, longitude, latitude, codes):
    flags = {attribute: value(code) for attribute, code in zip(HAZARDS, codes, strict=True)}
    return {
        "id": id, "type": "EvacuationShelter", "名称": value(name), "住所": value(address),
        "location": at(longitude, latitude), **flags,
    }  # fmt: skip


YES, NO, DUNNO = "designated", "notDesignated", "unknown"
ENTITIES = [
    shelter(KNOWN, "加賀市立金明小学校", "石川県加賀市塩浜町104", 136.333805, 36.350195, [YES, YES, NO, YES, YES, YES, YES, NO]),
    shelter(UNKNOWN, "加賀市立塩屋地区会館", "石川県加賀市塩屋町イ29-1", 136.253023, 36.294665, [DUNNO] * 8),
    {
        "id": TOILET, "type": "PublicToilet", "名称": value("錦城山公園"), "名称_カナ": value("キンジョウザンコウエン"),
        "住所": value("石川県加賀市大聖寺地方町、外"), "男性トイレ総数": value(3), "車椅子使用者用トイレ有無": value("有"),
        "location": at(136.307075, 36.309009), "modifiedAt": "2026-11-21T07:00:00Z",
    },
    {
        "id": GAUGE, "type": "RiverGauge", "名称": value("宇谷川（宇谷町）"), "location": at(136.40805, 36.301777),
        "水位": value(23.11, unitCode="MTR", observedAt="2025-10-16T09:50:00Z"),
    },
    {
        "id": "urn:ngsi-ld:AdministrativeArea:172065", "type": "AdministrativeArea", "名称": value("加賀市"),
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Polygon",
                "coordinates": [[[136.25, 36.14], [136.49, 36.14], [136.49, 36.38], [136.25, 36.38], [136.25, 36.14]]],
            },
        },
    },
]  # fmt: skip
READINGS = {
    (GAUGE, "水位"): [
        Reading(datetime(2025, 10, 16, 9, minute, tzinfo=UTC), level, "MTR")
        for minute, level in ((40, 23.05), (50, 23.11))
    ]
}


@pytest.fixture
def shell(tmp_path):
    context = FakeContext(ENTITIES, READINGS)
    return Shell(
        context,
        City({"ja": "加賀市", "ja_Hira": "かがし", "en": "Kaga City"}),
        [
            Entry(
                "/places", {"ja": "施設とまちの場所", "ja_Hira": "まちの ばしょ", "en": "Places"}, finds=True
            )
        ],
        basemap=Basemap(context, tmp_path),
    )


@pytest.fixture
def site(shell):
    app = Starlette(routes=routes(shell), exception_handlers=problem_handlers(shell))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def empty():
    shell = Shell(FakeContext([]))
    app = Starlette(routes=routes(shell), exception_handlers=problem_handlers(shell))
    return TestClient(app, raise_server_exceptions=False)
