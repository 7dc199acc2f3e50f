from __future__ import annotations

from pathlib import Path

import pytest

from kitamae.intake.layout import BadLayoutError, known, parse
from kitamae.sdk.city import City

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


def test_every_attribute_that_a_layout_makes_has_a_term_in_kagas_context() -> None:
    terms = City.read(KAGA).context["@context"]
    made = {"地方公共団体コード", "出典", "根拠"}
    for layout in known().values():
        made.add(layout.type)
        made |= {name if column.to is None else column.to for name, column in layout.columns.items()}
        made |= {gather.to for gather in layout.gather}
    assert made - {""} <= terms.keys()


def test_layouts_refer_only_to_columns_that_they_have() -> None:
    for layout in known().values():
        named = {
            *layout.code,
            *layout.city,
            *layout.recognise,
            *(one for pair in layout.together for one in pair),
        }
        named |= {watch.column for watch in layout.watch} | {
            name for doubt in layout.doubt for name in doubt.columns
        }
        named |= {column.because for column in layout.columns.values() if column.because}
        assert named <= layout.columns.keys(), layout.id


def test_no_file_is_two_datasets_at_once() -> None:
    for one in known().values():
        for other in known().values():
            if one is not other and one.form == other.form and one.recognise and other.recognise:
                assert not (
                    one.fits(other.columns, one.form)
                    and one.type != other.type
                    and len(one.recognise) == len(other.recognise)
                ), (one.id, other.id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "type =",
        'type = "x"\nname = {}\ncode = []\n[columns]\n',
        'type = "X"\nwhat = 1\nname = {}\ncode = []\n[columns]\n',
    ],
)
def test_a_layout_that_is_not_in_order_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(BadLayoutError, match=r"mine\.toml"):
        parse("mine", text)
