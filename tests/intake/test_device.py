"""What devices' messages mean: every message is a reading or is refused with a sentence."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.intake.archive import Archive, Message
from kitamae.intake.device import BadDeviceError, BadReadingError, Device, steps
from kitamae.intake.row import Refusal, UnreadableFileError

GAUGE = Device.load(Path(__file__).resolve().parents[2] / "cities/kaga/devices/river_gauge.toml")
SENT: dict[str, Any] = {
    "code": "1700000063",
    "townCode": "17206",
    "name": "宇谷川（宇谷町）",
    "obsTime": "2025-10-16T18:50:00+09:00",
    "level": 23.05,
    "startLevel": 23.04,
    "warnLevel": None,
    "fladLevel": 24.39,
    "latitude": 36.301777,
    "longitude": 136.40805,
}


def read(**change: Any) -> dict[str, Any]:
    return GAUGE.read(json.dumps(SENT | change).encode())


def test_a_message_becomes_an_entity_with_its_reading_timed_in_utc() -> None:
    entity = read()
    assert entity["id"] == "urn:ngsi-ld:RiverGauge:172065:1700000063"
    assert entity["水位"] == {
        "type": "Property",
        "value": 23.05,
        "unitCode": "MTR",
        "observedAt": "2025-10-16T09:50:00Z",
    }
    assert entity["名称"] == {"type": "Property", "value": "宇谷川（宇谷町）"}
    assert "危険水位" not in entity, "what the device does not say is left out"
    assert entity["location"]["value"]["coordinates"] == [136.40805, 36.301777]


def test_a_time_without_a_zone_is_in_the_zone_of_the_kind() -> None:
    assert read(obsTime="2025-10-16T18:50:00")["水位"]["observedAt"] == "2025-10-16T09:50:00Z"


def test_the_topic_is_what_the_device_would_speak_on_and_is_heard_back() -> None:
    payload = json.dumps(SENT).encode()
    topic = GAUGE.speaks(payload)
    assert topic == "river-gauges/172065/1700000063/level"
    assert GAUGE.hears(topic) == {"municipality": "172065", "code": "1700000063"}
    assert GAUGE.filter == "river-gauges/+/+/level"
    assert GAUGE.hears("river-gauges/172065/level") is None
    assert GAUGE.hears(topic + "/x") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"level": "23.05"}, "level: expected a number"),
        ({"level": True}, "level: expected a number"),
        ({"level": None}, "level: nothing is there"),
        ({"level": 10_000_000}, "level: expected -100"),
        ({"level": -999}, "level: expected -100"),
        ({"code": ""}, "code: expected a text"),
        ({"code": "a/b"}, "without /"),
        ({"code": "#"}, "without /"),
        ({"code": {"x": 1}}, "code: expected a text"),
        ({"townCode": "17207x"}, "townCode: expected a 全国地方公共団体コード"),
        ({"obsTime": "yesterday"}, "obsTime: expected a date and time"),
        ({"obsTime": 1}, "obsTime: expected a date and time"),
        ({"latitude": 136.4, "longitude": 36.3}, "longitude: expected degrees in Japan"),
        ({"name": 7}, "name: expected a text"),
    ],
)
def test_a_message_with_a_wrong_part_is_refused_with_its_path_and_what_was_expected(
    change: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadReadingError, match=says):
        read(**change)


@given(st.binary(max_size=200))
def test_no_bytes_crash_a_device(noise: bytes) -> None:
    with pytest.raises(BadReadingError):
        GAUGE.read(noise)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(SENT)), anything)
def test_whatever_stands_in_a_member_the_message_is_a_reading_or_is_refused(member: str, value: Any) -> None:
    try:
        entity = read(**{member: value})
    except BadReadingError:
        return
    assert entity["id"].isascii()
    assert entity["水位"]["observedAt"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a['x y'][12]", ("a", "x y", 12)),
        ("水位", ("水位",)),
    ],
)
def test_a_path_names_a_place_in_a_message(path: str, found: tuple[str | int, ...]) -> None:
    assert steps(path) == found


@pytest.mark.parametrize("path", ["a[", "a[x]", "a..b", "['a", "a]b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="expected a path"):
        steps(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('topic = "river-gauges', 'topic = "river/#'),
        ('id = "urn:ngsi-ld:RiverGauge:{municipality}', 'id = "urn:ngsi-ld:RiverGauge:{city}'),
        ('code = { path = "code" }', "code = { }\nother = { }"),
        ('zone = "Asia/Tokyo"', 'zone = "Asia/Kaga"'),
        ('path = "level"', 'path = "level["'),
        ("[time]", "[tine]"),
    ],
)
def test_a_device_file_that_is_not_in_order_is_refused_by_its_name(
    tmp_path: Path, old: str, new: str
) -> None:
    text = (Path(__file__).resolve().parents[2] / "cities/kaga/devices/river_gauge.toml").read_text("utf-8")
    assert old in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadDeviceError, match=r"broken\.toml"):
        Device.load(path)


@pytest.mark.parametrize(
    ("form", "value"),
    [("seconds", 1_760_608_200), ("milliseconds", 1_760_608_200_000), ("seconds", 1_760_608_200.0)],
)
def test_time_may_be_a_number(form: str, value: float) -> None:
    timed = GAUGE.model_copy(update={"time": GAUGE.time.model_copy(update={"form": form})})
    entity = timed.read(json.dumps(SENT | {"obsTime": value}).encode())
    assert entity["水位"]["observedAt"] == "2025-10-16T09:50:00Z"


def archive(folder: Path, *lines: bytes) -> Path:
    path = folder / "archive.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
    return path


def at(hour: int, minute: int = 0, **more: Any) -> bytes:
    return json.dumps(
        SENT | {"obsTime": f"2025-10-{16 + hour // 24}T{hour % 24:02d}:{minute:02d}:00+09:00", **more}
    ).encode()


def test_an_archive_is_played_in_the_order_of_time_as_far_as_48_hours_reach(tmp_path: Path) -> None:
    hours = [3, 1, 2, 47, 4, 60, 12]
    played = [one for one in Archive(archive(tmp_path, *map(at, hours)), GAUGE) if isinstance(one, Message)]
    assert [one.at for one in played] == sorted(one.at for one in played)
    assert len(played) == len(hours)


def test_lines_that_are_no_readings_are_refused_where_they_stand(tmp_path: Path) -> None:
    path = archive(tmp_path, at(1), b"{", b"", at(2, level="x"), at(3))
    outcomes = list(Archive(path, GAUGE))
    assert [one.line for one in outcomes if isinstance(one, Refusal)] == [2, 4]
    assert len([one for one in outcomes if isinstance(one, Message)]) == 2


def test_only_the_span_that_was_asked_for_is_played(tmp_path: Path) -> None:
    path = archive(tmp_path, *(at(hour) for hour in range(6)))
    since, until = (
        datetime.fromisoformat("2025-10-16T01:00:00+09:00"),
        datetime.fromisoformat("2025-10-16T03:00:00+09:00"),
    )
    assert len(list(Archive(path, GAUGE, since=since, until=until))) == 2


def test_a_message_that_is_none_is_shown_as_people_read_it() -> None:
    with pytest.raises(ValueError, match="got '大聖寺川'"):
        GAUGE.read("大聖寺川".encode())


def test_an_archive_that_breaks_off_says_after_which_line(tmp_path: Path) -> None:
    path = archive(tmp_path, *(at(hour % 24, hour % 60, code=str(hour)) for hour in range(2000)))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UnreadableFileError, match=r"breaks off after line \d+"):
        list(Archive(path, GAUGE))


def test_the_real_archive_is_taken_whole_and_in_order_for_each_gauge(shared: Path) -> None:
    latest: dict[str, int] = {}
    count = 0
    for one in Archive(shared / "data/kaga/river_levels_ishikawa.jsonl.gz", GAUGE):
        assert isinstance(one, Message)
        assert one.at >= latest.get(one.entity["id"], 0)
        latest[one.entity["id"]] = one.at
        count += 1
    assert (count, len(latest)) == (58_994, 88)
