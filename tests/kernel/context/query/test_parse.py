"""Text to tree. The unparser that proves the round trip is here: nothing else needs one yet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.query import parse
from kitamae.kernel.context.query.build import moment
from kitamae.kernel.context.query.tree import (
    SYSTEM,
    All,
    AnyOf,
    Compare,
    Exists,
    Missing,
    Moment,
    Node,
    Op,
    OrderBy,
    Path,
    Projection,
    Range,
    ScopeQ,
    TypeQ,
)
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable

EX = "https://example.org/"


def expand(name: str) -> str:
    return EX + name


# --- the other way
def text_of(node: Node) -> str:
    match node:
        case All(terms):
            return ";".join(f"({text_of(t)})" if isinstance(t, All | AnyOf) else text_of(t) for t in terms)
        case AnyOf(terms):
            return "|".join(f"({text_of(t)})" if isinstance(t, AnyOf) else text_of(t) for t in terms)
        case Exists(path):
            return path_of(path)
        case Missing(path):
            return "!" + path_of(path)
        case Compare(path, op, values):
            return path_of(path) + op + ",".join(value_of(value) for value in values)


def path_of(path: Path) -> str:
    text = ".".join(name.removeprefix(EX) for name in path.names)
    if path.inside:
        text += "[" + ".".join(json.dumps(member) for member in path.inside) + "]"
    if path.join is not None:
        types, onward = path.join
        hint = ",".join(name.removeprefix(EX) for name in types) + ":" if types else ""
        text += "{" + hint + path_of(onward) + "}"
    return text


def value_of(value: object) -> str:
    match value:
        case Range(low, high):
            return f"{value_of(low)}..{value_of(high)}"
        case Moment():
            return value.text
        case _:
            return json.dumps(value, ensure_ascii=False)


# --- random trees
words = st.from_regex(r"[a-zA-Z気温場所][a-zA-Z0-9_観測-]{0,5}", fullmatch=True)
names = words.map(lambda word: word if word in SYSTEM else EX + word)
plain_paths = st.builds(
    Path,
    st.lists(names | st.sampled_from(sorted(SYSTEM)), min_size=1, max_size=3).map(tuple),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=2).map(tuple),
)
paths = st.recursive(
    plain_paths,
    lambda onward: st.builds(
        lambda name, types, there: Path((name,), (), (types, there)),
        names,
        st.lists(words.map(expand), max_size=2).map(tuple),
        onward,
    ),
    max_leaves=3,
)
moments = st.one_of(
    st.datetimes().map(lambda t: t.isoformat() + "+09:00"),
    st.dates().map(lambda d: d.isoformat()),
    st.times().map(lambda t: t.isoformat() + "Z"),
).map(moment)
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ranges = st.builds(Range, numbers, numbers) | st.builds(Range, texts, texts)
values = st.one_of(numbers, texts, st.booleans(), moments, ranges)
leaves = st.one_of(
    st.builds(Exists, paths),
    st.builds(Missing, paths),
    st.builds(
        Compare,
        paths,
        st.sampled_from([Op.EQUAL, Op.UNEQUAL]),
        st.lists(values, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        Compare,
        paths,
        st.sampled_from([Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL]),
        st.tuples(st.one_of(numbers, texts, moments)),
    ),
    st.builds(
        Compare,
        paths,
        st.sampled_from([Op.MATCH, Op.NO_MATCH]),
        st.tuples(st.sampled_from(["^a|b;c", '\\d"', "雪"])),
    ),
)


def some_of(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Conjunctions in disjunctions as they are written without brackets, and the other way with them."""
    several = st.lists(children, min_size=2, max_size=3)
    return several.map(lambda terms: All(tuple(terms))) | several.map(lambda terms: AnyOf(tuple(terms)))


@given(st.recursive(leaves, some_of, max_leaves=8))
def test_reading_what_was_written_gives_the_same_tree(tree: Node) -> None:
    read = parse.q(text_of(tree), expand)
    assert read == tree
    assert repr(read) == repr(tree)  # 1, 1.0 and True are equal, and not the same query


# --- the clause's own examples
def compare(name: str, op: str, *found: object, inside: tuple[str, ...] = ()) -> Compare:
    return Compare(Path(tuple(EX + part for part in name.split(".")), inside), Op(op), found)  # type: ignore[arg-type]


def when(text: str) -> Moment:
    found = moment(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("temperature", Exists(Path((EX + "temperature",)))),
        ("temperature==20", compare("temperature", "==", 20)),
        ('brandName!="Mercedes"', compare("brandName", "!=", "Mercedes")),
        (
            'speed>50;brandName!="Mercedes"',
            All((compare("speed", ">", 50), compare("brandName", "!=", "Mercedes"))),
        ),
        (
            '((speed>50|rpm>3000);brandName=="Mercedes")',
            All(
                (
                    AnyOf((compare("speed", ">", 50), compare("rpm", ">", 3000))),
                    compare("brandName", "==", "Mercedes"),
                )
            ),
        ),
        (
            "a>1;b>2|c>3",
            AnyOf((All((compare("a", ">", 1), compare("b", ">", 2))), compare("c", ">", 3))),
        ),
        (
            "temperature.observedAt>=2017-12-24T12:00:00Z",
            Compare(
                Path((EX + "temperature", "observedAt")), Op.GREATER_EQUAL, (when("2017-12-24T12:00:00Z"),)
            ),
        ),
        ('address[city]=="Berlin"', compare("address", "==", "Berlin", inside=("city",))),
        (
            "sensor.rawdata[airquality.particulate]==40",
            compare("sensor.rawdata", "==", 40, inside=("airquality", "particulate")),
        ),
        ('color=="black", "red"', compare("color", "==", "black", "red")),
        ("temperature==10..20", compare("temperature", "==", Range(10, 20))),
        ('color[*]=="red"', compare("color", "==", "red", inside=("*",))),
        (
            "sensor{Device:humidity}==40",
            Compare(
                Path((EX + "sensor",), (), ((EX + "Device",), Path((EX + "humidity",)))), Op.EQUAL, (40,)
            ),
        ),
        (
            'owner{works{name}}=="x"',
            Compare(
                Path((EX + "owner",), (), ((), Path((EX + "works",), (), ((), Path((EX + "name",)))))),
                Op.EQUAL,
                ("x",),
            ),
        ),
        ("isParked==urn:ngsi-ld:A:1", compare("isParked", "==", "urn:ngsi-ld:A:1")),
        ("!heading;気温>20.5", All((Missing(Path((EX + "heading",))), compare("気温", ">", 20.5)))),
        ('name~="^m\\d+"', compare("name", "~=", "^m\\d+")),
        ("name!~=^加賀.*[;|]", compare("name", "!~=", "^加賀.*[;|]")),
        ("dc:title==true", compare("dc:title", "==", True)),
        ("opens==09:00:00+09:00", compare("opens", "==", when("00:00:00Z"))),
    ],
)
def test_a_query_is_read_as_clause_4_9_says(text: str, tree: Node) -> None:
    assert repr(parse.q(text, expand)).replace("+09:00", "Z").replace("09:00:00", "00:00:00") == repr(tree)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends too early"),
        ("speed>", "ends too early"),
        ("(speed>1", "ends too early"),
        ("speed>>3", "character 7"),
        ("speed>3)", "character 8"),
        ("speed>20;;b", "character 10"),
        ('a=="x', "character 4"),
        ('a=="\\x"', "JSON string"),
        ('a=="\\ud800"', "JSON string"),
        ("a[b", "ends too early"),
        ("rel{a", "ends too early"),
        ("20>a", "character 1"),
        ("a==2020-13-45", "2020-13-45"),
        ("a==25:00:00Z", "25:00:00Z"),
        ("a==1e999", "too large"),
        ('a==1.."b"', "both ends"),
        ("a==true..false", "both ends"),
        ("a==2020-01-01..2020-01-01T00:00:00Z", "from a Date to a DateTime"),
        ("a>true", "no order"),
        ('a~="("', "regular expression"),
        ('a~="(?=b)"', "regular expression"),
        ('a~="(x{1000}){1000}"', "regular expression"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(BadRequest) as wrong:
        parse.q(text, expand)
    assert told in wrong.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "(" * 5_000 + "a" + ")" * 5_000,
        "r{" * 100 + "a" + "}" * 100,
        "a==" + ",".join("1" * 2_000),
        "|".join("a" * 251),
        ";".join("a" * 251),
        ".".join("a" * 33),
        "a[" + ".".join("b" * 33) + "]",
        'a~="' + "a" * 2_000 + '"',
    ],
)
def test_a_query_too_large_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(TooComplex):
        parse.q(text, expand)


def is_read_or_refused(text: str) -> bool:
    try:
        parse.q(text, expand)
    except BadRequest as wrong:
        return wrong.detail.startswith(("q: ", "pattern"))
    return True


@given(st.text(st.sampled_from("ab気1.\"'()[]{};|,:!=<>~-+TZ\\ \n\ud800"), max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    assert is_read_or_refused(text)


@given(st.text(max_size=40))
def test_any_pattern_is_read_or_refused_and_nothing_else(text: str) -> None:
    assert is_read_or_refused("a~=" + json.dumps(text))


def test_expand_values_expands_text_values_but_not_of_json_keys() -> None:
    assert parse.q("gender==Male", expand, expand_values=["gender"]) == compare("gender", "==", EX + "Male")
    assert parse.q("gender==Male", expand) == compare("gender", "==", "Male")
    assert parse.q("gender==Male", expand, expand_values=["gender"], json_keys=["gender"]) == compare(
        "gender", "==", "Male"
    )


# --- the other parameters
def test_types_are_alternatives_of_conjunctions() -> None:
    assert parse.type_q("(A;B),C|D", expand) == TypeQ(((EX + "A", EX + "B"), (EX + "C",), (EX + "D",)))


def test_scopes_begin_with_a_slash_and_may_have_wildcards() -> None:
    assert parse.scope_q("(/a;b/#)|/c/+/d,/#") == ScopeQ((("/a", "/b/#"), ("/c/+/d",), ("/#",)))


@pytest.mark.parametrize("text", ["", ",", "/", "/a//b", "/#/a", "(/a", "/a b"])
def test_a_malformed_scope_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="scopeQ"):
        parse.scope_q(text)


@pytest.mark.parametrize("text", ["", "A,", "(A;", "A B", "A;;B"])
def test_a_malformed_type_selection_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="type"):
        parse.type_q(text, expand)


def test_orders_by_values_and_by_distance() -> None:
    assert parse.order_by("name,age;desc,createdAt", expand) == (
        OrderBy(Path((EX + "name",))),
        OrderBy(Path((EX + "age",)), descending=True),
        OrderBy("createdAt"),
    )
    (near,) = parse.order_by("location;dist-asc", expand, order_from="[136.3,36.3]")
    assert near.nearest is not None
    assert near.nearest.coordinates == (136.3, 36.3)
    assert parse.order_by("a[b.c]", expand)[0].path == Path((EX + "a",), ("b", "c"))
    assert parse.order_by(["a"], expand, collation="und-u-ks-level2")[0].ignore_case


@pytest.mark.parametrize(
    "call",
    [
        lambda: parse.order_by("name;up", expand),
        lambda: parse.order_by("location;dist-asc", expand),
        lambda: parse.order_by("name==1", expand),
        lambda: parse.order_by("rel{name}", expand),
        lambda: parse.order_by("", expand),
        lambda: parse.order_by("name", expand, collation="!!nope"),
    ],
)
def test_a_malformed_order_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(BadRequest):
        call()


def test_a_projection_follows_relationships() -> None:
    assert parse.projection("id,name|owner{name,works{id}}", expand, "pick") == (
        Projection("id"),
        Projection(EX + "name"),
        Projection(EX + "owner", (Projection(EX + "name"), Projection(EX + "works", (Projection("id"),)))),
    )


@pytest.mark.parametrize("text", ["", "a,", "a{", "a{b", "a}b", "a{}", "a b", "a{b}}"])
def test_a_malformed_projection_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="omit"):
        parse.projection(text, expand, "omit")


def test_names_are_expanded_once_each() -> None:
    assert parse.names("a, b|a", expand) == (EX + "a", EX + "b")
    with pytest.raises(BadRequest, match="attrs"):
        parse.names("a,,b", expand)
