"""The base map is drawn from the city's own data and served in ranges."""

from __future__ import annotations

import gzip
import math

import mapbox_vector_tile
import pytest
from pmtiles.reader import MemorySource, Reader, all_tiles

from kitamae.web import basemap, describe
from web.conftest import ENTITIES

AREA = [describe.simple(one) for one in ENTITIES if one["type"] == "AdministrativeArea"]
PLACE = basemap.Named(describe.simple(ENTITIES[0]), 0, 9)


def tiles(archive):
    return {
        key: mapbox_vector_tile.decode(gzip.decompress(tile))
        for key, tile in all_tiles(MemorySource(archive))
    }


def test_the_outline_is_on_every_zoom_and_the_names_where_there_is_room():
    found = tiles(basemap.build(AREA, [PLACE]))
    zooms = {z for z, _, _ in found}
    assert zooms == set(range(basemap.MIN_ZOOM, basemap.MAX_ZOOM + 1))
    named = {z for (z, _, _), layers in found.items() if "label" in layers}
    assert named == set(range(9, basemap.MAX_ZOOM + 1))
    labels = [
        feature["properties"]
        for layers in found.values()
        for feature in layers.get("label", {"features": []})["features"]
    ]
    assert {label["ja"] for label in labels} == {"加賀市立金明小学校"}


def test_a_name_lies_where_the_place_is():
    (z, x, y), layers = next(
        (key, layers)
        for key, layers in tiles(basemap.build(AREA, [PLACE])).items()
        if key[0] == 13 and "label" in layers
    )
    (east, north), size = layers["label"]["features"][0]["geometry"]["coordinates"], layers["label"]["extent"]
    longitude = (x + east / size) / 2**z * 360 - 180
    latitude = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + 1 - north / size) / 2**z))))
    assert (longitude, latitude) == pytest.approx((136.333805, 36.350195), abs=2e-5)


def test_the_header_says_what_the_archive_spans():
    header = Reader(MemorySource(basemap.build(AREA, []))).header()
    assert header["min_lon_e7"] / 1e7 == pytest.approx(136.25, abs=1e-5)
    assert header["max_lat_e7"] / 1e7 == pytest.approx(36.38, abs=1e-5)


def test_the_same_city_gives_the_same_archive():
    assert basemap.build(AREA, [PLACE]) == basemap.build(AREA, [PLACE])
    assert basemap.fingerprint(AREA, [PLACE]) != basemap.fingerprint(AREA, [])


def test_nothing_to_draw_is_an_error_and_not_an_empty_map():
    with pytest.raises(ValueError, match="neither an outline nor a name"):
        basemap.build([], [])


def test_a_browser_gets_the_range_that_it_asks_for(site):
    whole = site.get("/map/basemap.pmtiles")
    assert whole.content[:7] == b"PMTiles"
    part = site.get("/map/basemap.pmtiles", headers={"range": "bytes=0-126"})
    assert part.status_code == 206
    assert part.content == whole.content[:127]
    assert part.headers["content-range"] == f"bytes 0-126/{len(whole.content)}"
    assert site.get("/map/basemap.pmtiles", headers={"range": "bytes=999999999-"}).status_code == 416


def test_a_city_without_an_outline_has_no_base_map(empty):
    assert empty.get("/map/basemap.pmtiles").status_code == 404


async def test_a_new_outline_replaces_the_old_archive(shell, tmp_path):
    first = await shell.basemap.file()
    shell.context.entities.pop("urn:ngsi-ld:AdministrativeArea:172065")
    shell.context.entities["urn:x:hub"] = {**ENTITIES[0], "id": "urn:x:hub", "type": "Hub"}
    again = type(shell.basemap)(shell.context, tmp_path)
    second = await again.file()
    assert second != first
    assert [path.name for path in tmp_path.iterdir()] == [second.name]
