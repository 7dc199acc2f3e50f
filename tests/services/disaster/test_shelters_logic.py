"""Room out of free text, bands, and numbers that people type: what cannot be read is not known, never free."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.problems import BadRequest
from kitamae.sdk.sheltering import Sheltering
from kitamae.services.disaster.shelters import capacity, crowding, sent
from kitamae.services.disaster.shelters.capacity import MOST, Capacity
from kitamae.services.disaster.shelters.shelter import Count, needing, people_in, shelter

RULES = Sheltering()
PEOPLE = st.integers(min_value=0, max_value=MOST)


@pytest.mark.parametrize(
    ("text", "indoor", "outdoor"),
    [
        ("屋内191人／屋外0人(面積の1/2)", 191, 0),
        ("屋内1,371人／屋外5,470人（面積の1/2）", 1371, 5470),
        ("屋内2,736人屋外11,700人（面積の1/2）", 2736, 11700),
        ("屋内990人／屋外0人(座席数)", 990, 0),
        ("屋内１２０人", 120, None),
        ("300", 300, None),
        ("約300名", 300, None),
        ("1,200人（立ち見を含む）", 1200, None),
        ("", None, None),
        ("未定", None, None),
        ("体育館200人、教室100人", None, None),
        ("面積の1/2", None, None),
        ("屋内350㎡", None, None),
        ("99999999999999999999人", None, None),
    ],
)
def test_room_is_read_where_it_can_be_told_and_else_not_known(
    text: str, indoor: int | None, outdoor: int | None
) -> None:
    assert capacity.read(text) == Capacity(indoor, outdoor)


@given(
    PEOPLE,
    PEOPLE,
    st.sampled_from(["／", "", "、", " / "]),
    st.sampled_from(["", "(面積の1/2)", "（座席数）"]),
)
def test_what_nanao_writes_is_read_whatever_the_numbers(
    indoor: int, outdoor: int, between: str, after: str
) -> None:
    text = f"屋内{indoor:,}人{between}屋外{outdoor}人{after}"
    assert capacity.read(text) == Capacity(indoor, outdoor)


@given(st.text(max_size=40))
def test_whatever_is_written_there_reading_it_never_fails(text: str) -> None:
    read = capacity.read(text)
    for one in (read.indoor, read.outdoor):
        assert one is None or 0 <= one <= MOST


@given(PEOPLE, PEOPLE, st.integers(min_value=1, max_value=MOST))
def test_more_people_are_never_in_an_emptier_band(people: int, more: int, room: int) -> None:
    few, many = sorted((people, more))
    bands = [crowding.BANDS.index(crowding.band(Count(one, None, room), RULES)) for one in (few, many)]
    assert bands == sorted(bands)


@given(st.one_of(st.none(), PEOPLE), st.one_of(st.none(), st.just(0)))
def test_without_a_count_or_room_the_band_is_not_known(people: int | None, room: int | None) -> None:
    assert crowding.band(Count(people, None, room), RULES) == "unknown"


def test_people_counted_outdoors_do_not_fill_the_rooms() -> None:
    values = {
        "想定収容人数": "屋内100人／屋外500人",
        "避難者数": 150,
        "避難者数_屋外": 60,
        "開設状況": "開設",
    }
    one = shelter({"id": "urn:x:1", **{name: {"value": value} for name, value in values.items()}})
    assert crowding.indoors(one).people == 90
    assert not crowding.over(one)


@pytest.mark.parametrize("wrong", [True, -1, 1.5, "12", None, [1]])
def test_a_count_of_a_wrong_kind_is_not_known(wrong: object) -> None:
    one = shelter({"id": "urn:x:1", "避難者数": {"value": wrong}, "開設状況": {"value": "半開き"}})
    assert (one.count.people, one.is_open) == (None, None)


@pytest.mark.parametrize("people", [RULES.most + 1, 10_000_000, 1e300])
def test_a_count_of_more_than_a_city_believes_is_not_known(people: float) -> None:
    now = datetime.now(UTC)
    said = {"value": people, "observedAt": now.isoformat()}
    names = ("避難者数", people_in("屋内"), needing("高齢者"))
    one = shelter({"id": "urn:x:1", "開設状況": {"value": "開設"}} | dict.fromkeys(names, said))
    told = crowding.current(one, RULES, now)
    assert [told.count.people, told.count.at, dict(told.spaces), dict(told.needs)] == [None, None, {}, {}]
    assert crowding.concerns(one, RULES, now, now.date()) == ["unlikely"]
    most = shelter({"id": "urn:x:1", "避難者数": {**said, "value": RULES.most}})
    assert crowding.current(most, RULES, now).count.people == RULES.most


@given(st.text(max_size=12))
def test_a_typed_number_is_within_its_bounds_or_refused(text: str) -> None:
    with contextlib.suppress(BadRequest):
        assert 0 <= sent.number(text, "people", 5_000) <= 5_000


@given(st.text(max_size=30))
def test_a_typed_position_is_on_earth_or_refused(text: str) -> None:
    try:
        longitude, latitude = sent.position(text)
    except BadRequest:
        return
    assert abs(longitude) <= 180
    assert abs(latitude) <= 90


@pytest.mark.parametrize("bands", [(80, 50, 100), (50, 50, 100), (0, 50, 100)])
def test_thresholds_that_do_not_rise_are_refused(bands: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="bands"):
        Sheltering(bands=bands)
