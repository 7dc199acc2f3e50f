"""What a form says about a field becomes what is sealed, of the type that stands there; nothing else does."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people import proposal
from kitamae.kernel.people.proposal import Proposed
from kitamae.kernel.people.vault import Edit
from kitamae.kernel.people.vault.correcting import edited
from kitamae.kernel.people.vault.problems import Moved
from kitamae.kernel.problems import BadRequest

_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()  # fmt: skip
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
_was = st.none() | st.tuples(_values)
_edits = st.builds(Edit, st.text(min_size=1, max_size=20), _was, _was)


@given(st.lists(st.builds(Proposed, st.text(max_size=40), _edits), min_size=1, max_size=5))
def test_what_is_sealed_is_opened_again(said: list[Proposed]) -> None:
    assert proposal.opened(proposal.sealed(said)) == said


@given(_values)
def test_what_is_sent_as_it_was_shown_is_no_proposal(value: Any) -> None:
    assert proposal.typed("x", (value,), proposal.text((value,)).replace("\n", "\r\n")) is None


@given(_values, st.text(max_size=200))
def test_what_is_typed_has_the_type_of_what_stands_there_or_is_refused(value: Any, text: str) -> None:
    try:
        edit = proposal.typed("x", (value,), text)
    except BadRequest:
        return
    if edit is None or edit.now is None:
        return
    (now,) = edit.now
    if isinstance(value, bool) or isinstance(now, bool):
        assert isinstance(now, bool)
        assert value is None or isinstance(value, bool)
    elif isinstance(value, (int, float)):
        assert isinstance(now, (int, float))
        assert math.isfinite(now)
    elif value is not None:
        assert type(now) is type(value)
    orjson.dumps(now)


@pytest.mark.parametrize(
    ("was", "text", "now"),
    [
        ((3,), " 4 ", (4,)),
        ((3.5,), "4", (4,)),
        ((True,), "false", (False,)),
        (("1985-04-01",), "1985-04-02", ("1985-04-02",)),
        ((["a"],), '["b"]', (["b"],)),
        (None, "新しい", ("新しい",)),
        (("何か",), "  ", None),
        ((None,), '"a"', ("a",)),
    ],
)
def test_a_value_is_typed(was: tuple[Any] | None, text: str, now: tuple[Any] | None) -> None:
    assert proposal.typed("x", was, text) == Edit("x", was, now)


@pytest.mark.parametrize(
    ("was", "text"),
    [
        (3, "3.5"), (3, "三"), (3, "1_000"), (3.5, "1_0.5"), (3.5, "nan"), (3.5, "1e999"), (3, "9" * 400), (True, "はい"), ("1985-04-01", "きのう"),
        ("1985-04-01", "1985-02-30"), (["a"], "b"), (["a"], '{"a": 1}'), ({"a": 1}, "[]"), ("x", "長" * 10_001),
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_refused_by_the_name_of_its_field(was: Any, text: str) -> None:
    with pytest.raises(BadRequest, match="x:") as refused:
        proposal.typed("x", (was,), text)
    assert refused.value.more["missing"] == ["x"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '[{"record": "a"}]', "[null]", '"x"', "1"])
def test_what_was_not_sealed_here_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        proposal.opened(text)


@given(st.dictionaries(st.text(max_size=5), _values, max_size=5), st.data())
def test_an_edit_is_taken_where_the_record_says_what_it_said_and_never_elsewhere(
    stood: dict[str, Any], data: st.DataObject
) -> None:
    sealed = {name: orjson.dumps(value) for name, value in stood.items()}
    name = data.draw(st.sampled_from(sorted(stood)) if stood else st.just("new"))
    was = (stood[name],) if name in stood else None
    now = data.draw(_was)
    after = edited(sealed, [Edit(name, was, now)])
    assert after == {
        **{one: value for one, value in sealed.items() if one != name},
        **({name: orjson.dumps(now[0])} if now else {}),
    }
    other = data.draw(_was.filter(lambda one: (orjson.dumps(one[0]) if one else None) != sealed.get(name)))
    with pytest.raises(Moved):
        edited(sealed, [Edit(name, other, now)])
