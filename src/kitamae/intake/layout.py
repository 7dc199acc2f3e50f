"""What the columns of a kind of file mean, as data: `layouts/*.toml`, one file per dataset.

type = "PublicToilet"                    # the entities' type, by the city's short name
name = { ja = "公衆トイレ一覧", en = "Public toilets" }
form = "csv"                             # or "geojson": then columns are the features' properties
code = ["ID"]                            # the cells that tell one thing from another within the city
city = ["全国地方公共団体コード"]            # where a row says whose it is; else the city that imports
recognise = ["名称", "男性トイレ総数"]      # a file with these columns is this dataset
place = "required"                       # the coordinates: "required", "wanted" or "none"
together = [["利用開始時間", "利用終了時間"]] # one without the other is remarked on
watch = [{ column = "備考", pattern = "原データ", says = "…" }]

[columns]
"名称" = { required = true }
"所在地_連結表記" = { to = "住所", also = ["住所"] }
"男性トイレ総数" = { kind = "integer" }
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kitamae.intake.cell import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STRICT = ConfigDict(extra="forbid", frozen=True)


class BadLayoutError(ValueError):
    """A layout that cannot be used; the message names the file and the place in it."""


class Column(BaseModel):
    """One column. `to`: the attribute (default: the column's own name; "" leaves it out)."""

    model_config = _STRICT
    to: str | None = None
    also: tuple[str, ...] = ()  # how other editions of the dataset call it
    kind: Kind = "text"
    required: bool = False
    unit: str = ""  # UN/CEFACT, for integer and number
    choice: dict[str, str] = Field(default_factory=dict)  # the cell -> the value; "" is the empty cell
    absent: str = ""  # the value where the file has no such column
    refers: str = ""  # the entity type that a reference points to
    because: str = ""  # a reference column whose target is why this value holds


class Watch(BaseModel):
    """Text in a column that somebody should look at."""

    model_config = _STRICT
    column: str
    pattern: str
    says: str


class Doubt(BaseModel):
    """Where all these columns come out as `all`, none of them can be believed: they become `becomes`."""

    model_config = _STRICT
    columns: tuple[str, ...]
    all: str
    becomes: str
    says: str


class Gather(BaseModel):
    """Columns whose names match `pattern` (two groups) become one JsonProperty {group 1: {group 2: integer}}."""

    model_config = _STRICT
    to: str
    pattern: str


class Layout(BaseModel):
    """A dataset's columns; see the module's example."""

    model_config = _STRICT
    id: str
    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    name: dict[str, str]
    form: Literal["csv", "geojson"] = "csv"
    code: tuple[str, ...]
    city: tuple[str, ...] = ()
    city_within: str = ""  # where the code is only a part of that cell: a pattern whose first group it is
    recognise: tuple[str, ...] = ()
    place: Literal["required", "wanted", "none"] = "none"
    together: tuple[tuple[str, str], ...] = ()
    watch: tuple[Watch, ...] = ()
    gather: tuple[Gather, ...] = ()
    doubt: tuple[Doubt, ...] = ()
    columns: dict[str, Column]

    def fits(self, header: Iterable[str], form: str) -> bool:
        """Whether a file with these columns (or first feature's properties) is this dataset."""
        there = self.known_as(header).values()
        return bool(self.recognise) and form == self.form and set(self.recognise) <= set(there)

    def known_as(self, header: Iterable[str]) -> dict[str, str]:
        """The file's column -> the layout's, for those that it knows."""
        also = {other: name for name, column in self.columns.items() for other in column.also}
        return {
            column: also.get(column, column) for column in header if column in self.columns or column in also
        }


def parse(id: str, text: str) -> Layout:
    """A layout from its TOML. Raises BadLayoutError."""
    try:
        return Layout.model_validate({"id": id, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadLayoutError(f"{id}.toml: {error}") from error


@cache
def known() -> Mapping[str, Layout]:
    """The layouts that come with Kitamae, by id."""
    folder = files("kitamae.intake") / "layouts"
    return {
        entry.name.removesuffix(".toml"): parse(entry.name.removesuffix(".toml"), entry.read_text("utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def recognised(header: Iterable[str], form: str) -> Layout | None:
    """The layout that asks for most of the columns that are there; None where no layout fits."""
    names = list(header)
    fitting = [layout for layout in known().values() if layout.fits(names, form)]
    return max(fitting, key=lambda layout: len(layout.recognise), default=None)


def nearest(header: Iterable[str], form: str) -> Layout | None:
    """The layout that knows most of these columns, where it knows at least half of them."""
    names = list(header)
    alike = [layout for layout in known().values() if layout.form == form and layout.recognise]
    found = max(alike, key=lambda layout: len(layout.known_as(names)), default=None)
    return found if found and 2 * len(found.known_as(names)) >= len(names) else None


def of_type(type: str, header: Iterable[str], form: Literal["csv", "geojson"]) -> Layout:
    """A layout for a file of our own making: columns are attributes, 緯度/経度 or latitude/longitude the place."""
    names = list(header)
    code = next(
        (name for name in ("ID", "id", "コード", "code", "NO", "番号", "共通ID") if name in names), ""
    )
    columns: dict[str, Any] = {name: Column() for name in names}
    for kind, spellings in _DEGREES.items():
        columns |= {name: Column(kind=kind, to="") for name in spellings if name in names}
    if code:
        columns[code] = Column(required=True, to="管理番号")
    return Layout(
        id=type,
        type=type,
        name={"en": type},
        form=form,
        code=(code,) if code else (),
        place="wanted",
        columns=columns,
    )


_DEGREES: dict[Kind, tuple[str, ...]] = {
    "latitude": ("緯度", "latitude", "lat"),
    "longitude": ("経度", "longitude", "lon", "lng"),
}
