from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toilet_files import HEADER, read, refused, row, taken

from kitamae.intake.reading import Reading
from kitamae.intake.row import UnreadableFileError
from kitamae.intake.text import LONGEST

ONE = f"{HEADER}\n{row()}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf8_with_and_without_bom_and_cp932_with_any_line_end_read_the_same(
    tmp_path: Path, encoding: str, end: str
) -> None:
    expected = read(tmp_path, ONE)
    assert read(tmp_path, ONE.replace("\n", end).encode(encoding)) == expected
    assert taken(expected)[0].entity["名称"] == {"type": "Property", "value": "中央公園"}
    assert taken(expected)[0].entity["id"] == "urn:ngsi-ld:PublicToilet:172065:1"


def test_the_real_toilets_are_taken_with_their_dirt_kept_and_reported(shared: Path) -> None:
    with Reading(shared / "data/kaga/public_toilets.csv") as rows:
        outcomes = list(rows)
    assert len(taken(outcomes)) == len(outcomes) == 17
    second = taken(outcomes)[1]
    assert second.entity["利用終了時間"]["value"] == "22:00"
    assert second.entity["利用可能時間特記事項"]["value"] == "原データ利用終了時間=22:00消灯"
    assert "利用開始時間" not in second.entity
    assert {(remark.line, remark.column) for remark in second.remarks} == {
        (3, "利用開始時間"),
        (3, "利用可能時間特記事項"),
    }
    assert sum(remark.column == "利用開始時間" for one in taken(outcomes) for remark in one.remarks) == 13


@pytest.mark.parametrize(("file", "count"), [("evacuation", 62), ("emergency", 53)])
def test_the_files_of_the_gsi_are_recognised_and_taken_whole(shared: Path, file: str, count: int) -> None:
    with Reading(shared / f"data/kaga/shelters_{file}.geojson", city="172065") as rows:
        assert len(taken(list(rows))) == count


def test_a_file_of_the_gsi_says_itself_whose_each_place_is(shared: Path, tmp_path: Path) -> None:
    text = (shared / "data/kaga/shelters_evacuation.geojson").read_text("utf-8")
    path = tmp_path / "two_cities.geojson"
    path.write_text(text.replace("E1720600001111", "E1720300001111"), "utf-8")
    with Reading(path, city="172065") as rows:
        ids = [one.entity["id"] for one in taken(list(rows))]
    assert ids[0] == "urn:ngsi-ld:EvacuationShelter:172031:E1720300001111"
    assert all(":172065:" in one for one in ids[1:])


def test_a_code_with_a_wrong_check_digit_is_refused(tmp_path: Path) -> None:
    (only,) = refused(read(tmp_path, f"{HEADER}\n{row().replace('172065', '172066')}\n"))
    assert (only.column, only.value) == ("全国地方公共団体コード", "172066")


def test_a_time_that_is_none_is_kept_as_it_is_and_reported(tmp_path: Path) -> None:
    (only,) = taken(read(tmp_path, f"{HEADER}\n{row(closes='22:00消灯')}\n"))
    assert only.entity["利用終了時間"]["value"] == "22:00消灯"
    (remark,) = only.remarks
    assert (remark.line, remark.column, remark.value) == (2, "利用終了時間", "22:00消灯")


def test_swapped_coordinates_are_refused_with_line_column_value_and_what_was_expected(tmp_path: Path) -> None:
    (only,) = refused(read(tmp_path, f"{HEADER}\n{row(lat='136.33', lon='36.32')}\n"))
    assert (only.line, only.column, only.value) == (2, "緯度", "136.33")
    assert "swapped" in only.expected


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ("51.5", "136.3"),
        ("36.3", "-0.12"),
        ("", "136.3"),
        ("nan", "136.3"),
        ("1e400", "136"),
        ("三十六", "136"),
    ],
)
def test_a_place_that_is_not_in_japan_is_refused(tmp_path: Path, lat: str, lon: str) -> None:
    assert len(refused(read(tmp_path, f"{HEADER}\n{row(lat=lat, lon=lon)}\n"))) == 1


def test_full_width_digits_are_numbers(tmp_path: Path) -> None:
    (only,) = taken(read(tmp_path, f"{HEADER}\n{row(lat='３６．３２', men='１２')}\n"))
    assert only.entity["location"]["value"]["coordinates"] == [136.33, 36.32]
    assert only.entity["男性トイレ総数"]["value"] == 12


def test_an_id_that_is_used_twice_refuses_the_second_row_and_names_the_first(tmp_path: Path) -> None:
    outcomes = read(tmp_path, f"{HEADER}\n{row('7')}\n{row('8')}\n{row('7', '別の公園')}\n")
    assert [one.entity["管理番号"]["value"] for one in taken(outcomes)] == ["7", "8"]
    (second,) = refused(outcomes)
    assert second.line == 4
    assert "line 2" in second.expected


def test_a_formula_is_kept_as_text_and_remarked_on(tmp_path: Path) -> None:
    (only,) = taken(read(tmp_path, f"{HEADER}\n{row(name='=HYPERLINK(1)')}\n"))
    assert only.entity["名称"]["value"] == "=HYPERLINK(1)"
    assert "formula" in only.remarks[0].note


def test_a_row_of_a_nul_character_or_of_foreign_bytes_is_refused_alone(tmp_path: Path) -> None:
    content = f"{HEADER}\n{row('1')}\n{row('2', 'nul')}\n{row('3', 'wrong')}\n{row('4')}\n".encode()
    outcomes = read(tmp_path, content.replace(b"nul", b"n\0l").replace(b"wrong", b"\xff\xfe\x80"))
    assert [one.line for one in refused(outcomes)] == [3, 4]
    assert [one.line for one in taken(outcomes)] == [2, 5]


def test_a_byte_order_mark_in_the_middle_and_a_second_header_do_not_lose_the_rows_after_them(
    tmp_path: Path,
) -> None:
    second = "\ufeff" + ONE.replace(",1,", ",2,", 1)
    outcomes = read(tmp_path, "\ufeff" + ONE + second)
    assert len(taken(outcomes)) == 2
    (again,) = refused(outcomes)
    assert "header" in again.expected


def test_a_file_that_breaks_off_in_a_row_loses_that_row_only_and_says_so(tmp_path: Path) -> None:
    whole = f"{HEADER}\n{row('1')}\n{row('2')}\n"
    outcomes = read(tmp_path, whole[: -len(row("2")) + 20])
    assert len(taken(outcomes)) == 1
    assert "14 cells" in refused(outcomes)[0].expected


def test_a_quote_that_never_closes_refuses_its_row_and_not_the_rest(tmp_path: Path) -> None:
    rows = [row(str(number)) for number in range(300)]
    rows[10] = row("10", '"公園')
    outcomes = read(tmp_path, HEADER + "\n" + "\n".join(rows) + "\n")
    assert len(taken(outcomes)) == 299
    (only,) = refused(outcomes)
    assert (only.line, only.expected) == (12, "a closing quotation mark")


def test_a_cell_may_span_lines_and_hold_commas_and_quotes(tmp_path: Path) -> None:
    outcomes = read(
        tmp_path,
        f"{HEADER}\n{row('1', note=chr(34) + '上,下' + chr(10) + chr(34) * 2 + '右' + chr(34))}\n{row('2')}\n",
    )
    assert taken(outcomes)[0].entity["備考"]["value"] == '上,下\n"右'
    assert taken(outcomes)[1].line == 4


def test_a_line_without_an_end_is_refused_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.csv"
    with path.open("wb") as file:
        file.write(f"{HEADER}\n{row('1')}\n".encode())
        for _ in range(64):
            file.write(b"x" * LONGEST)
        file.write(f"\n{row('2')}\n".encode())
    tracemalloc.start()
    with Reading(path) as rows:
        outcomes = list(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.line for one in taken(outcomes)] == [2, 4]
    assert [one.line for one in refused(outcomes)] == [3]
    assert peak < 24 * LONGEST, "64 MB passed through a window"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (ONE.encode("utf-16"), "UTF-16"),
        (ONE.encode("utf-32"), "UTF-32"),
        (b"PK\x03\x04rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (ONE.encode("euc-jp"), "no known dataset|cannot be read"),
        (ONE.replace("名称,", "なまえ,", 1).encode(), "Nearest is public_toilets, which has 名称 too"),
        (ONE.replace("緯度", "いど").encode(), "緯度 is missing"),
        (ONE.replace("名称_カナ", "名称").encode(), "名称 is there twice"),
        (b'{"type": "FeatureCollection"', "no JSON"),
        (b'{"type": "FeatureCollection", "features": []}', "empty"),
        (b'{"type": "Topology"}', "no features"),
        (b"[1, 2]", "no features"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes, says: str
) -> None:
    with pytest.raises(UnreadableFileError, match=says):
        read(tmp_path, content)


def test_a_file_of_ones_own_is_read_by_its_type(tmp_path: Path) -> None:
    outcomes = read(tmp_path, "ID,名前,lat,lng\nA 1,橋,36.3,136.3\nA2,宿,,\n", type="Bridge", city="172065")
    one, other = taken(outcomes)
    assert one.entity["id"] == "urn:ngsi-ld:Bridge:172065:A%201"
    assert one.entity["名前"]["value"] == "橋"
    assert one.entity["location"]["value"]["coordinates"] == [136.3, 36.3]
    assert "location" not in other.entity
    assert "no map" in other.remarks[0].note


def test_a_row_that_does_not_say_whose_it_is_needs_the_city(tmp_path: Path) -> None:
    (only,) = refused(read(tmp_path, "ID,名前\n1,橋\n", type="Bridge"))
    assert "--city" in only.expected


def test_a_site_designated_for_no_hazard_is_unknown_never_safe(tmp_path: Path) -> None:
    header = "ID,名称,緯度,経度,災害種別_洪水,災害種別_崖崩れ、土石流及び地滑り,災害種別_高潮,災害種別_地震,災害種別_津波,災害種別_大規模な火事,災害種別_内水氾濫,災害種別_火山現象,指定避難所との重複"
    one, other = taken(
        read(
            tmp_path, f"{header}\n1,運動場,36.3,136.3,1,,,,,,,,1\n2,広場,36.3,136.3,,,,,,,,,\n", city="172065"
        )
    )
    assert one.entity["災害種別_洪水"]["value"] == "designated"
    assert one.entity["災害種別_津波"]["value"] == "notDesignated"
    assert {other.entity[name]["value"] for name in other.entity if name.startswith("災害種別")} == {
        "unknown"
    }
    assert other.remarks


def test_a_hazard_column_that_is_missing_is_unknown(tmp_path: Path) -> None:
    header = "ID,名称,緯度,経度,災害種別_洪水,指定避難所との重複"
    (only,) = taken(read(tmp_path, f"{header}\n1,運動場,36.3,136.3,1,1\n", city="172065"))
    assert only.entity["災害種別_洪水"]["value"] == "designated"
    assert only.entity["災害種別_津波"]["value"] == "unknown"


def feature(**change: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [136.3, 36.3]},
        "properties": {"ID": "1", "名称": "橋"},
        **change,
    }


def collection(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (feature(geometry={"type": "Point", "coordinates": [36.3, 136.3]}), "wrong way round"),
        (feature(geometry={"type": "Point", "coordinates": [0, 0]}), "in Japan"),
        (feature(geometry={"type": "Point", "coordinates": []}), "coordinates of a Point"),
        (feature(geometry={"type": "Polygon", "coordinates": [[[136, 36], [137, 36], [136, 36]]]}), "rings"),
        (feature(geometry={"type": "Circle"}), "a geometry"),
        (feature(properties=None), "an object"),
        (feature(properties={"ID": "9", "名称": "a\0b"}), "NUL"),
        ("橋", "a GeoJSON Feature"),
    ],
)
def test_a_broken_feature_is_refused_alone(tmp_path: Path, broken: Any, says: str) -> None:
    outcomes = read(tmp_path, collection(feature(), broken), "places.geojson", type="Bridge", city="172065")
    assert len(taken(outcomes)) == 1
    assert says in refused(outcomes)[0].expected
    assert refused(outcomes)[0].line == 2


def test_a_truncated_geojson_gives_the_features_before_the_end_and_a_refusal(tmp_path: Path) -> None:
    whole = collection(*(feature(properties={"ID": str(number), "名称": "橋"}) for number in range(50)))
    outcomes = read(tmp_path, whole[:-40], "places.geojson", type="Bridge", city="172065")
    assert len(taken(outcomes)) == 49
    assert "nothing after it" in refused(outcomes)[0].expected


def test_a_document_ten_thousand_deep_is_refused(tmp_path: Path) -> None:
    deep = (
        '{"type":"FeatureCollection","features":['
        + json.dumps(feature())
        + ","
        + "[" * 10_000
        + "]" * 10_000
        + "]}"
    )
    outcomes = read(tmp_path, deep, "deep.geojson", type="Bridge", city="172065")
    assert (len(taken(outcomes)), len(refused(outcomes))) == (1, 1)


cells = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=14, max_size=14), max_size=8))
def test_every_row_of_any_well_formed_table_is_taken_or_refused_and_the_counts_add_up(
    tmp_path: Path, table: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    writer.writerows([cell.replace("\r", "").replace("\n", "") for cell in line] for line in table)
    outcomes = read(tmp_path, out.getvalue().encode())
    assert len(outcomes) == len(table)
    for one in taken(outcomes):
        assert one.entity["id"].isascii()
        json.dumps(one.entity)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_crash_the_reader(tmp_path: Path, noise: bytes, with_header: bool) -> None:
    content = (ONE.encode() if with_header else b"") + noise
    try:
        outcomes = read(tmp_path, content)
    except UnreadableFileError:
        return
    assert not with_header or taken(outcomes)[0].line == 2
    assert all(one.expected and one.line > 0 for one in refused(outcomes))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["type", "geometry", "properties", "ID"]), json_values), max_size=5
    )
)
def test_every_feature_of_any_collection_is_taken_or_refused(tmp_path: Path, features: list[Any]) -> None:
    content = (
        json.dumps({"type": "FeatureCollection", "features": [feature(), *features]}, allow_nan=False)
        if _finite(features)
        else collection(feature())
    )
    outcomes = read(tmp_path, content, "any.geojson", type="Bridge", city="172065")
    assert len(outcomes) == (len(features) + 1 if _finite(features) else 1)


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
