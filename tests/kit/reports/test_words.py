"""What a text says of where and what, and when two are one."""

from __future__ import annotations

import pytest
from benchmarks.reported.measure import KILOMETRE, figures, gazetteer, labelled, ours, simple, things
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kit.reports.gazetteer import Gazetteer, sound
from kitamae.kit.reports.incident import incident, kinds
from kitamae.kit.reports.likeness import HOURS, SIZE, Trace, alike, same, signature
from kitamae.kit.reports.locate import SURE, locate
from kitamae.sdk.sphere import metres

NAMES: Gazetteer = gazetteer(things())
KEY = b"k" * 32


def where(text: str) -> str:
    found = locate(text, NAMES)
    return found[0].spot.name if found else ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("片野町で道がふさがっています", "片野町"),
        ("かたの町で道がふさがっています", "片野町"),
        ("カタノマチの道", "片野町"),
        ("松が丘二丁目が停電", "松が丘二丁目"),
        ("松が丘２丁目が停電", "松が丘二丁目"),
        ("かたやまずおんせんの道", "片山津温泉"),  # づ
        ("片山図温泉の湖のそば", "片山津温泉"),
        ("作見小学校の体育館", "加賀市立作見小学校"),
        ("作見小の体育館", "加賀市立作見小学校"),
        ("大聖寺の南町の道", "大聖寺南町"),
        ("富塚町の看板", "冨塚町"),
        ("flooded road in Katayamazu Onsen", "片山津温泉"),
        ("宇谷川があふれそう", "宇谷川（宇谷町）"),
        ("家の前の道が水びたし", ""),
        ("", ""),
    ],
)
def test_a_place_is_found_however_it_is_written(text: str, place: str) -> None:
    assert where(text) == place


def test_where_somebody_goes_to_is_not_where_it_is() -> None:
    assert where("作見町から動橋町方面に行く道で木が倒れています") == "作見町"


def test_a_town_that_there_is_twice_is_not_said_as_if_there_were_one() -> None:
    assert all(one.score < SURE for one in locate("南町の道が水びたし", NAMES))


@given(st.text(max_size=300))
def test_any_text_has_a_place_or_none_and_kinds_or_none(text: str) -> None:
    for one in locate(text, NAMES):
        assert 0 <= one.score <= 1
    assert set(incident(text).kinds) <= kinds().keys()
    assert len(signature(text, KEY)) in (0, SIZE)


def test_voiced_and_long_sounds_are_one() -> None:
    assert sound("かたやまづ") == sound("カタヤマズ")
    assert sound("だいしょうじ") == sound("だいしょおじ") == sound("たいしようし")


@pytest.mark.parametrize(
    ("text", "rank", "kind"),
    [
        ("おばあさんが家から出られないと言っています。助けて", 3, "person"),
        ("家が燃えています", 3, "fire"),
        ("裏山がくずれそう", 3, "slide"),
        ("道路が冠水しています", 2, "flood"),
        ("木が倒れています", 1, "tree"),
        ("けが人はいません。停電しています", 1, "power"),
        ("毛布が足りません", 2, ""),
        ("おじいさんが倒れています", 3, "person"),
        ("おじいさんが たおれています", 3, "person"),
        ("母が倒れて息をしていません", 3, "person"),
        ("子どもが川に落ちました", 3, "person"),
        ("有人落水", 3, "person"),
        ("けが人はいます。電柱が折れました", 3, "person"),
        ("木の下で母が倒れました", 3, "person"),
        ("木が人の上に倒れました", 3, "person"),
        ("屋根から瓦が落ちました", 2, "building"),
        ("看板が道に落ちました", 2, "building"),
    ],
)
def test_what_is_urgent_comes_first(text: str, rank: int, kind: str) -> None:
    found = incident(text)
    assert found.rank == rank
    assert (kind in found.kinds) if kind else not found.kinds


def trace(text: str, minute: int = 0, key: bytes = KEY) -> Trace:
    guess = locate(text, NAMES)
    best = guess[0].spot if guess else None
    return Trace(
        incident(text).kinds, minute * 60_000_000, (best.longitude, best.latitude) if best else None,
        best.spread if best else 0, signature(text, key), best.id if best else "",
    )  # fmt: skip


def test_two_of_one_thing_are_alike_and_of_two_places_or_two_days_not() -> None:
    one, other = trace("打越町で水道から茶色い水が出ます"), trace("うちこし町の水道の水がにごっています", 20)
    assert same(one, other) == same(other, one) >= 0.55
    assert same(one, trace("永井町で水道から茶色い水が出ます")) < 0.55
    assert same(one, trace("打越町で水道から茶色い水が出ます", int(HOURS * 60) + 1)) == 0
    assert same(one, trace("打越町で家が燃えています")) < 0.55


def test_without_the_citys_key_a_mark_says_nothing_of_a_text() -> None:
    text = "打越町で水道から茶色い水が出ます"
    assert alike(signature(text, KEY), signature(text, KEY)) == 1.0
    assert alike(signature(text, KEY), signature(text, b"another")) < 0.1


def test_the_labelled_set_is_whole_and_both_parts_keep_what_was_measured() -> None:
    """The floors lie under what docs/conformance.md says, so that a worse table of words does not pass unseen."""
    every = labelled()
    assert {one.place for one in every} - {""} <= {spot.name for spot in NAMES.spots.values()}
    assert not {o.incident for o in every if o.tuned} & {o.incident for o in every if not o.tuned}
    for part, within, f1 in ((True, 0.93, 0.8), (False, 0.88, 0.65)):
        some = [one for one in every if one.tuned is part]
        got, plain = figures(some, NAMES, *ours(NAMES)), figures(some, NAMES, *simple(NAMES))
        assert got.within >= within > plain.within
        assert got.f1 >= f1 > plain.f1
    assert metres((136.3, 36.3), (136.3, 36.3)) < KILOMETRE
