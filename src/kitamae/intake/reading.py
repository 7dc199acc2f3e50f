"""A file to rows: finds out what it is, then streams an outcome for every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.intake.assemble import Assembler
from kitamae.intake.features import Broken, features, wrong_geometry
from kitamae.intake.layout import Layout, known, nearest, of_type, recognised
from kitamae.intake.row import Outcome, Refusal, UnreadableFileError, shown
from kitamae.intake.table import Record, records
from kitamae.intake.text import encoding_of, ends, lines, opened, undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal, Self


class Reading:
    """One file, open until it is iterated to its end, or the `with` block ends. Iterate it once; `position` of `size` bytes says how far it is.

    `layout` is what the file was taken for; `unknown` are the columns that nothing is made of.
    """

    def __init__(
        self, path: Path, *, city: str = "", layout: str = "", type: str = "", source: str = ""
    ) -> None:
        """`layout`: an id of `layouts/`; else it is recognised by its columns; else `type` names what each row is.

        `city` is the 全国地方公共団体コード for rows that do not say whose they are. Raises UnreadableFileError, OSError.
        """
        if layout and layout not in known():
            raise UnreadableFileError(f"no layout is called {layout}; there are: {', '.join(known())}")
        self.path, self.size = path, path.stat().st_size
        self._city, self._layout, self._type, self._source = city, layout, type, source
        self.encoding = encoding_of(path)
        self._ended = ends(path)
        self._file = opened(path, self.encoding)
        try:
            head = self._file.read(64).removeprefix("\ufeff").lstrip()
            self._file.seek(0)
            self.form: Literal["csv", "geojson"] = "geojson" if head[:1] in ("{", "[") else "csv"
            self._rows = self._features() if self.form == "geojson" else self._records()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self.size if self._file.closed else self._file.buffer.tell()

    @property
    def layout(self) -> Layout:
        """What the file was taken for."""
        return self._assembler.layout

    @property
    def unended(self) -> bool:
        """A table whose last line has no end: it may have been cut off there."""
        return self.form == "csv" and not self._ended

    @property
    def unknown(self) -> list[str]:
        """Columns that the layout does not know; nothing is made of them."""
        return self._assembler.unknown

    def __iter__(self) -> Iterator[Outcome]:
        """Every row once, in order. The file is closed at the end."""
        try:
            yield from self._rows
        finally:
            self._file.close()

    def _open(self, header: list[str]) -> Assembler:
        if self._layout:
            layout = known()[self._layout]
            if layout.form != self.form:
                raise UnreadableFileError(
                    f"{self.path.name}: {layout.id} is {layout.form}, this is {self.form}"
                )
        else:
            found = recognised(header, self.form)
            if found is None and self._type:
                found = of_type(self._type, header, self.form)
            if found is None:
                raise UnreadableFileError(
                    f"{self.path.name}: no known dataset has these columns: {shown(', '.join(header))}. "
                    f"{_nearest(header, self.form)}Name its layout with --as ({', '.join(known())}), or the entities' "
                    "type with --type"
                )
            layout = found
        return Assembler(layout, header, city=self._city, source=self._source)

    def _records(self) -> Iterator[Outcome]:
        rows = records(lines(self._file), self.encoding)
        first = next(rows, None)
        if not isinstance(first, Record):
            reason = first.expected if first else "a header line and rows"
            raise UnreadableFileError(f"{self.path.name}: the header line cannot be read; expected {reason}")
        header = [name.strip(" \t\u3000\ufeff") for name in first.cells]
        twice = {name for name in header if name and header.count(name) > 1}
        if twice:
            raise UnreadableFileError(
                f"{self.path.name}: the column {', '.join(sorted(twice))} is there twice"
            )
        self._assembler = self._open(header)
        return self._table(rows, header)

    def _table(self, rows: Iterator[Record | Refusal], header: list[str]) -> Iterator[Outcome]:
        for row in rows:
            if isinstance(row, Refusal):
                yield row
                continue
            cells = row.cells
            if [name.strip(" \t\u3000\ufeff") for name in cells] == header:
                yield Refusal(row.line, "", shown(",".join(cells)), "a row; this is the header line again")
            elif len(cells) < len(header) or any(extra.strip() for extra in cells[len(header) :]):
                yield Refusal(
                    row.line,
                    "",
                    shown(",".join(cells)),
                    f"{len(header)} cells as the header has; there are {len(cells)}",
                )
            else:
                yield self._assembler.row(row.line, dict(zip(header, cells, strict=False)))

    def _features(self) -> Iterator[Outcome]:
        found = features(self._file, self.path.name)
        first = next(found, None)
        if first is None:
            raise UnreadableFileError(f"{self.path.name}: the list of features is empty")
        properties = first.get("properties") if isinstance(first, dict) else None
        self._assembler = self._open(list(properties) if isinstance(properties, dict) else [])
        return self._places(first, found)

    def _places(self, first: Any, rest: Iterator[Any]) -> Iterator[Outcome]:
        number, feature = 0, first
        while feature is not None:
            number += 1
            yield self._place(number, feature)
            feature = next(rest, None)

    def _place(self, number: int, feature: Any) -> Outcome:
        if isinstance(feature, Broken):
            return Refusal(number, "", shown(feature.at), feature.why)
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            return Refusal(number, "", shown(feature), "a GeoJSON Feature")
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            return Refusal(number, "properties", shown(properties), "an object")
        cells = {name: _text(value) for name, value in properties.items()}
        for name, value in cells.items():
            if undecodable(name + value) or "\0" in value:
                return Refusal(
                    number, shown(name), shown(value), f"text in {self.encoding} without NUL characters"
                )
        geometry = feature.get("geometry")
        if geometry is not None and (expected := wrong_geometry(geometry)):
            return Refusal(number, "geometry", shown(geometry), expected)
        if geometry is not None:
            geometry = {"type": geometry["type"], "coordinates": geometry["coordinates"]}
        return self._assembler.row(number, cells, geometry)


def _text(value: Any) -> str:
    """A property as a cell: GeoJSON's null is the empty cell, its numbers are text again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else ""
    return value if isinstance(value, str) else str(value)


def _nearest(header: list[str], form: str) -> str:
    """A sentence about the dataset that half of these columns are from, and what it has beside them."""
    found = nearest(header, form)
    if found is None:
        return ""
    missing = sorted(set(found.recognise) - set(found.known_as(header).values()))
    return f"Nearest is {found.id}, which has {', '.join(missing)} too. "
