"""SQL says what `match` says, over random entities and random queries."""

from __future__ import annotations

from typing import Any

import apsw
import orjson
import pytest
from entity_tables import opened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitamae.adapters.sql.plan import Plan
from kitamae.adapters.sqlite import hot
from kitamae.adapters.sqlite.translate import where
from kitamae.kernel.context.entity import Attribute, Entity
from kitamae.kernel.context.query import match, parse
from kitamae.kernel.context.query.tree import (
    All,
    AnyOf,
    Compare,
    EntityQuery,
    Exists,
    Geo,
    Geometry,
    Missing,
    Node,
    Op,
    OrderBy,
    Path,
    Range,
    ScopeQ,
    TypeQ,
)

NAMES = ["https://example.org/a", "https://example.org/気温", "https://example.org/it's", 'odd"name']
HOT = tuple(NAMES[:3])
LOCATION = "https://uri.etsi.org/ngsi-ld/location"


def answer(db: apsw.Connection, query: EntityQuery, plan: Plan) -> list[str]:
    found = []
    for found_id, unsure, doc in db.execute(plan.select(f"e.id, {plan.unsure}, e.doc"), plan.params):
        matches = match.entity(query, orjson.loads(doc))
        assert matches or unsure, f"{found_id} was claimed to match"
        if matches:
            found.append(found_id)
    return found


def agree(entities: list[Entity], query: EntityQuery, declared: tuple[str, ...] = HOT) -> list[str]:
    """What both say; in the order of creation."""
    db = opened(entities, declared)
    found = answer(db, query, where(query, declared))
    assert sorted(found) == sorted(entity["id"] for entity in entities if match.entity(query, entity))
    return found


# --- random cities
scalars = st.one_of(
    st.integers(-2, 3),
    st.sampled_from([0.5, 1.0, 2**53 + 1, 10**18]),
    st.booleans(),
    st.sampled_from(
        ["", "a", "b", "20", "1", "true", '["a"]', "[", "{}", "気", "urn:x:1", "2026-01-01T00:00:00Z"]
    ),
)
contents = st.one_of(
    scalars,
    st.none(),
    st.lists(scalars, max_size=2),
    st.dictionaries(st.sampled_from(["b", "ja", "odd name", 'q"']), scalars, max_size=2),
    st.just({"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"}),
)


def attribute(kind: str, v: Any) -> Attribute:
    return {"kind": kind, "v": v}  # type: ignore[typeddict-item]


subs = st.fixed_dictionaries(
    {}, optional={"observedAt": st.just("2026-01-01T00:00:00Z"), "unitCode": st.just("CEL")}
)
points = st.builds(
    lambda x, y: {"type": "Point", "coordinates": [136 + x / 100, 36 + y / 100]},
    st.integers(0, 9),
    st.integers(0, 9),
)
instances = st.one_of(
    st.builds(attribute, st.sampled_from(["Property", "JsonProperty"]), contents),
    st.builds(attribute, st.just("Relationship"), st.sampled_from(["urn:x:1", "urn:x:2", ["urn:x:1"]])),
    st.builds(
        attribute,
        st.just("LanguageProperty"),
        st.dictionaries(st.sampled_from(["ja", "b"]), st.sampled_from(["a", ["a", "b"]])),
    ),
    st.builds(attribute, st.just("VocabProperty"), st.sampled_from(["urn:x:1", ["urn:x:1", "urn:x:2"]])),
    st.builds(attribute, st.just("ListProperty"), st.lists(scalars, max_size=2)),
    st.builds(attribute, st.just("GeoProperty"), points),
).flatmap(lambda instance: subs.map(lambda sub: {**instance, **sub}))
several = st.lists(instances, min_size=1, max_size=2).map(
    lambda found: [{**one, "datasetId": f"urn:d:{i}"} if i else one for i, one in enumerate(found)]
)
places = st.lists(st.builds(attribute, st.just("GeoProperty"), points), min_size=1, max_size=2)
bodies = st.fixed_dictionaries(
    {
        "type": st.lists(st.sampled_from(["T", "U", "V"]), min_size=1, max_size=2, unique=True),
        "attrs": st.tuples(
            st.dictionaries(st.sampled_from(NAMES), several, max_size=3),
            st.dictionaries(st.just(LOCATION), places, max_size=1),
        ).map(lambda both: {**both[0], **both[1]}),
        "createdAt": st.integers(0, 3).map(lambda day: f"2026-01-0{day + 1}T00:00:00Z"),
    },
    optional={"scope": st.lists(st.sampled_from(["/a", "/a/b", "a/c", "/b", "/a-x", "/a/b/d"]), max_size=2)},
)
cities: st.SearchStrategy[list[Entity]] = st.lists(bodies, max_size=6).map(
    lambda found: [{"id": f"urn:e:{i}", **body} for i, body in enumerate(found)]
)

names = st.sampled_from(NAMES)
asked_paths = st.one_of(
    names.map(lambda name: Path((name,))),
    st.builds(lambda name, inside: Path((name,), (inside,)), names, st.sampled_from(["b", "ja", "*", 'q"'])),
    st.builds(lambda name, sub: Path((name, sub)), names, st.sampled_from(["observedAt", "unitCode"])),
    names.map(lambda name: Path((name,), (), ((), Path((name,))))),
    st.just(Path(("createdAt",))),
)
values = scalars | st.sampled_from(["2026-01-01", "2026-01-02T09:00:00+09:00"]).map(
    lambda text: parse.q(f"a=={text}", str).values[0]  # type: ignore[union-attr]
)
numbers = st.integers(-2, 3) | st.sampled_from([0.5, 2**53 + 1])
ranges = st.builds(Range, numbers, numbers) | st.builds(
    Range, st.sampled_from(["", "a"]), st.sampled_from(["a", "z"])
)
leaves: st.SearchStrategy[Node] = st.one_of(
    st.builds(Exists, asked_paths),
    st.builds(Missing, asked_paths),
    st.builds(
        Compare,
        asked_paths,
        st.sampled_from([Op.EQUAL, Op.UNEQUAL]),
        st.lists(values | ranges, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(
        Compare,
        asked_paths,
        st.sampled_from([Op.LESS, Op.LESS_EQUAL, Op.GREATER, Op.GREATER_EQUAL]),
        st.tuples(values.filter(lambda value: not isinstance(value, bool))),
    ),
    st.builds(
        Compare,
        asked_paths,
        st.sampled_from([Op.MATCH, Op.NO_MATCH]),
        st.tuples(st.sampled_from(["^a", "2", "x:."])),
    ),
)
nodes = st.recursive(
    leaves,
    lambda inner: st.lists(inner, min_size=2, max_size=3).flatmap(
        lambda terms: st.sampled_from([All(tuple(terms)), AnyOf(tuple(terms))])
    ),
    max_leaves=4,
)
geos = st.builds(
    lambda relation, kind: Geo(relation, kind, LOCATION),
    st.sampled_from(["within", "contains", "overlaps", "intersects", "equals", "disjoint"]),
    st.sampled_from(
        [
            Geometry("Point", (136.05, 36.05)),
            Geometry(
                "Polygon", (((136.0, 36.0), (136.05, 36.0), (136.05, 36.05), (136.0, 36.05), (136.0, 36.0)),)
            ),
        ]
    ),
) | st.builds(
    lambda most, least: Geo("near", Geometry("Point", (136.05, 36.05)), LOCATION, most, least),
    st.sampled_from([900.0, 3_000.0, 1e7]) | st.none(),
    st.sampled_from([1_000.0]) | st.none(),
).filter(lambda geo: (geo.max_distance or geo.min_distance) is not None)
queries = st.builds(
    EntityQuery,
    ids=st.just(()) | st.just(("urn:e:0", "urn:e:2")),
    id_pattern=st.none() | st.just("[02]$"),
    types=st.sampled_from(
        [
            TypeQ(),
            TypeQ((("T",),)),
            TypeQ((("T",), ("U",))),
            TypeQ((("T", "U"), ("V",))),
            TypeQ((("T", "U"),)),
        ]
    ),
    attrs=st.lists(names, max_size=2, unique=True).map(tuple),
    q=st.none() | nodes,
    geo=st.none() | geos,
    scope=st.none()
    | st.lists(
        st.lists(st.sampled_from(["/a", "/a/#", "/#", "/+/b", "/a/+", "/a/c"]), min_size=1, max_size=2).map(
            tuple
        ),
        min_size=1,
        max_size=2,
    ).map(lambda any_of: ScopeQ(tuple(any_of))),
    datasets=st.just(()) | st.sampled_from([("@none",), ("urn:d:1",)]),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(cities, queries)
def test_the_answer_is_that_of_match(entities: list[Entity], query: EntityQuery) -> None:
    agree(entities, query)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(cities, nodes)
def test_q_alone_is_what_match_says_with_and_without_an_index(entities: list[Entity], q: Node) -> None:
    query = EntityQuery(q=q)
    assert sorted(agree(entities, query, HOT)) == sorted(agree(entities, query, ()))


# few values and one attribute, so that they meet often
few = st.sampled_from([0, 1, 2, "a", "b", True])
one_or_two = st.lists(
    st.builds(attribute, st.just("Property"), few)
    | st.builds(attribute, st.just("Relationship"), st.just("b"))
    | st.builds(attribute, st.just("Property"), st.lists(few, min_size=1, max_size=2)),
    min_size=1,
    max_size=2,
).map(lambda found: [{**one, "datasetId": f"urn:d:{i}"} if i else one for i, one in enumerate(found)])
few_compares = st.builds(
    lambda op, value: Compare(Path((NAMES[0],)), op, (value,)),
    st.sampled_from([op for op in Op if op not in (Op.MATCH, Op.NO_MATCH)]),
    few.filter(lambda value: value is not True),
) | st.builds(
    lambda op, value: Compare(Path((NAMES[0],)), op, (value,)),
    st.sampled_from([Op.EQUAL, Op.UNEQUAL, Op.MATCH, Op.NO_MATCH]),
    st.sampled_from(["a", "b"]),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(one_or_two, min_size=3, max_size=8),
    few_compares,
    st.sampled_from([(), ("@none",), ("urn:d:1",)]),
)
def test_every_operator_over_few_values(
    found: list[Any], compare: Compare, datasets: tuple[str, ...]
) -> None:
    entities: list[Entity] = [
        {"id": f"urn:{i}", "type": ["T"], "createdAt": "2026-01-01T00:00:00Z", "attrs": {NAMES[0]: one}}
        for i, one in enumerate(found)
    ]
    query = EntityQuery(q=compare, datasets=datasets)
    assert sorted(agree(entities, query, HOT)) == sorted(agree(entities, query, ()))


# --- single facts
def city(**values: Any) -> list[Entity]:
    """One entity for each value of `a`."""
    return [
        {
            "id": f"urn:{name}",
            "type": ["T"],
            "createdAt": "2026-01-01T00:00:00Z",
            "attrs": {NAMES[0]: [attribute("Property", value)]},
        }
        for name, value in values.items()
    ]


@pytest.mark.parametrize("declared", [(), HOT])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==20", ["urn:number"]),
        ('a=="20"', ["urn:text"]),
        ("a==1", ["urn:one"]),
        ("a==true", ["urn:yes"]),
        ("a!=1", ["urn:number", "urn:text", "urn:yes", "urn:null", "urn:list"]),
        ("a>19", ["urn:number"]),
        ("a<=1", ["urn:one"]),
        ('a=="x"', ["urn:list"]),
        ("a", ["urn:number", "urn:text", "urn:one", "urn:yes", "urn:null", "urn:list"]),
    ],
)
def test_a_text_is_not_a_number_and_one_is_not_true(
    declared: tuple[str, ...], text: str, expected: list[str]
) -> None:
    entities = city(number=20, text="20", one=1, yes=True, null=None, list=["x", 3])
    query = EntityQuery(q=parse.q(text, lambda name: "https://example.org/" + name))
    assert agree(entities, query, declared) == expected


def test_a_name_with_a_quote_is_never_part_of_the_sql() -> None:
    entities = city(there=1)
    entities[0]["attrs"]['x" OR 1=1 --'] = [attribute("Property", 1)]
    query = EntityQuery(q=Compare(Path(('x" OR 1=1 --',)), Op.EQUAL, (2,)))
    assert agree(entities, query) == []
    assert "OR 1=1" not in where(query, HOT).select("e.id")


def test_values_are_bound() -> None:
    plan = where(EntityQuery(q=Compare(Path((NAMES[0],)), Op.EQUAL, ("'; DROP TABLE entity",))), HOT)
    assert "DROP" not in plan.select("e.id")
    assert "'; DROP TABLE entity" in plan.params.values()


@pytest.mark.parametrize(
    "text",
    [
        "a==" + ",".join(str(n) for n in range(1_000)),
        "a!=" + ",".join(f'"{n}"' for n in range(1_000)),
        "|".join(f"a=={n}" for n in range(250)),
        ";".join(f"a!={n}.5" for n in range(250)),
        "(" * 30 + ";".join(f"a<={n}" for n in range(7, 240)) + ")" * 30,
    ],
)
def test_the_longest_queries_that_are_read_are_answered(text: str) -> None:
    query = EntityQuery(
        q=parse.q(text, lambda name: "https://example.org/" + name),
        types=TypeQ((*((f"T{n}", "T") for n in range(500)), ("T",))),
    )
    assert agree(city(seven=7), query) == ["urn:seven"]


def test_a_thousand_types_and_scopes_are_answered() -> None:
    entities = city(seven=7)
    entities[0]["scope"] = ["/s999"]
    scope = ScopeQ(tuple((f"/s{n}",) for n in range(1_000)))
    assert agree(entities, EntityQuery(scope=scope)) == ["urn:seven"]
    types = TypeQ((*((f"T{n}",) for n in range(999)), ("T",)))
    assert agree(entities, EntityQuery(types=types, scope=scope)) == ["urn:seven"]


def way(query: EntityQuery) -> str:
    """How SQLite goes about it, with statistics as little as a new city has."""
    db = opened(city(one=1), HOT)
    plan = where(query, HOT)
    return "\n".join(
        str(row[3])
        for row in db.execute("EXPLAIN QUERY PLAN " + plan.select("e.doc") + " LIMIT 20", plan.params)
    )


def test_a_hot_attribute_is_found_through_its_index() -> None:
    told = way(EntityQuery(types=TypeQ((("T",),)), q=Compare(Path((NAMES[0],)), Op.EQUAL, (20,))))
    assert hot.index(NAMES[0]) in told
    assert "SCAN" not in told.replace("SCAN y", "")
    assert "TEMP B-TREE" not in told


def test_a_place_is_found_through_its_box() -> None:
    told = way(
        EntityQuery(
            types=TypeQ((("T",),)), geo=Geo("near", Geometry("Point", (136.0, 36.0)), LOCATION, 500.0)
        )
    )
    assert "SCAN b VIRTUAL TABLE INDEX 2" in told
    assert "SCAN e" not in told


def test_entities_of_one_type_come_in_the_order_of_creation_without_sorting() -> None:
    told = way(EntityQuery(types=TypeQ((("T",),))))
    assert "TEMP B-TREE" not in told


def test_an_order_by_columns_is_in_the_sql_and_any_other_is_left_to_the_kernel() -> None:
    entities = city(b=1, a=2)
    query = EntityQuery(order=(OrderBy("id", descending=True),))
    assert agree(entities, query) == ["urn:b", "urn:a"]
    assert agree(entities, EntityQuery(order=(OrderBy("id"),))) == ["urn:a", "urn:b"]
    assert where(EntityQuery(order=(OrderBy(Path((NAMES[0],))),)), HOT).order is None


def test_another_tenant_is_never_seen() -> None:
    entities = city(there=1)
    db = opened(entities, HOT)
    for query in (
        EntityQuery(tenant="b"),
        EntityQuery(tenant="b", ids=("urn:there",)),
        EntityQuery(tenant="b", types=TypeQ((("T",),))),
        EntityQuery(tenant="b", q=Compare(Path((NAMES[0],)), Op.EQUAL, (1,))),
    ):
        assert answer(db, query, where(query, HOT)) == []
