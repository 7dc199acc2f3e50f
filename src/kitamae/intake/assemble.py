"""A row's cells to an entity, by its layout. Pure: the same row gives the same entity or the same refusal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from kitamae.intake import cell
from kitamae.intake.cell import Misfit
from kitamae.intake.row import Outcome, Refusal, Remark, Taken, UnreadableFileError, shown
from kitamae.kernel import municipality
from kitamae.kernel.people import mynumber

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.intake.layout import Column, Layout

_NAME: Final = re.compile(r"[^\W\d]\w*\Z")
"""What an attribute may be called without a context (clause 4.6.2): letters of any script, digits, underscore."""


_CALLED_A_NUMBER: Final = re.compile(r"番号|コード|\bID\b|識別|code|number", re.IGNORECASE)
_BLANKED: Final = "（12桁の数字）"


class Assembler:
    """For one file: which of its columns means what, and which ids it has used."""

    def __init__(self, layout: Layout, header: Sequence[str], *, city: str = "", source: str = "") -> None:
        """`city`: 全国地方公共団体コード of the city that imports. Raises UnreadableFileError for a missing column."""
        self.layout = layout
        self.city = city
        self.source = source
        self.names = layout.known_as(header)
        self.unknown = [
            name for name in header if name and name not in self.names and not self._gathered(name)
        ]
        self.identifiers = {name for name in header if self._numbered(name)}
        self._used: dict[str, int] = {}
        there = set(self.names.values())
        missing = [name for name, column in layout.columns.items() if column.required and name not in there]
        missing += [name for name in layout.code if name not in there]
        if layout.place == "required" and layout.form == "csv":
            kinds = {layout.columns[name].kind for name in there}
            missing += [
                name
                for name, column in layout.columns.items()
                if column.kind in ("latitude", "longitude") and column.kind not in kinds
            ]
        if missing or not layout.code:
            raise UnreadableFileError(
                f"{layout.id}: the column {', '.join(dict.fromkeys(missing)) or 'ID'} is missing; there are: {shown(', '.join(header))}"
            )

    def _numbered(self, name: str) -> bool:
        """A column of numbers of something else: what its layout knows and is no text, its code, what is called a number."""
        known = self.names.get(name)
        if mynumber.is_labelled(name):
            return False
        if known is None:
            return bool(_CALLED_A_NUMBER.search(name))
        return (
            known in self.layout.code
            or self.layout.columns[known].kind != "text"
            or bool(_CALLED_A_NUMBER.search(name))
        )

    def _gathered(self, name: str) -> bool:
        return any(re.match(gather.pattern, name) for gather in self.layout.gather)

    def row(self, line: int, cells: Mapping[str, str], geometry: Mapping[str, Any] | None = None) -> Outcome:
        """`cells`: column of the file -> text; `geometry`: GeoJSON, already checked, where the file has one."""
        return _Row(self, line, cells).outcome(geometry)

    def taken_before(self, id: str, line: int) -> int | None:
        """The line that used this id already; else remembers it for `line`."""
        before = self._used.setdefault(id, line)
        return None if before == line else before


class _Row:
    def __init__(self, file: Assembler, line: int, cells: Mapping[str, str]) -> None:
        self.file, self.layout, self.line = file, file.layout, line
        self.given = cells
        self.cells = {
            name: (column, cells.get(column, "").strip(" \t\u3000\ufeff"))
            for column, name in file.names.items()
        }
        self.remarks: list[Remark] = []
        self.attributes: dict[str, Any] = {}
        self.refusal: Refusal | None = None

    def outcome(self, geometry: Mapping[str, Any] | None) -> Outcome:
        if self._number():
            return cast("Refusal", self.refusal)
        try:
            city = municipality.whole(self._city())
        except ValueError as error:
            name = self.layout.city[0] if self.layout.city else ""
            return self._refuse(name, self._city(), f"{str(error).removeprefix('expected ')}, or --city")
        degrees: dict[str, float] = {}
        for name, column in self.layout.columns.items():
            if name in self.cells:
                self._column(name, column, city, degrees)
            elif column.absent and column.to != "":
                self._put(column.to or name, {"type": "Property", "value": column.absent})
            if self.refusal:
                return self.refusal
        self._gather()
        self._place(geometry, degrees)
        if self.refusal:
            return self.refusal
        self._look()
        code = "-".join(quote(cell.plain(self._text(name)), safe="-._~") for name in self.layout.code)
        urn = f"urn:ngsi-ld:{self.layout.type}:{city}:{code}"
        before = self.file.taken_before(urn, self.line)
        if before is not None:
            return self._refuse(
                self.layout.code[0], code, f"an ID that is not used yet (line {before} has it)"
            )
        self._put("地方公共団体コード", {"type": "Property", "value": city})
        if self.file.source:
            self._put("出典", {"type": "Property", "value": self.file.source})
        return Taken(self.line, {"id": urn, "type": self.layout.type, **self.attributes}, tuple(self.remarks))

    def _number(self) -> bool:
        """Whether a cell, also of a column that nothing is made of, holds what may be somebody's 個人番号: then nothing of the row
        is taken, and the report does not repeat it.
        """
        for name, text in self.given.items():
            try:
                mynumber.demand_none({name: text}, self.file.identifiers)
            except mynumber.HoldsMyNumber:
                self.refusal = Refusal(
                    self.line,
                    name,
                    _BLANKED,
                    "nothing that looks like a 個人番号: blank the digits out and import the row again",
                )
                return True
        return False

    def _city(self) -> str:
        """Whose the row is, as it says; else as whoever imports it says."""
        for name in self.layout.city:
            text = cell.plain(self._text(name))
            found = re.search(self.layout.city_within, text) if self.layout.city_within else None
            if text and (found or not self.layout.city_within):
                return found[1] if found else text
        return self.file.city

    def _text(self, name: str) -> str:
        return self.cells[name][1] if name in self.cells else ""

    def _put(self, name: str, attribute: dict[str, Any]) -> None:
        self.attributes[name] = attribute

    def _refuse(self, column: str, text: str, expected: str) -> Refusal:
        column = self.cells[column][0] if column in self.cells else column
        self.refusal = Refusal(self.line, column, shown(text), expected)
        return self.refusal

    def _remark(self, column: str, text: str, note: str) -> None:
        column = self.cells[column][0] if column in self.cells else column
        self.remarks.append(Remark(self.line, column, shown(text), note))

    def _column(self, name: str, column: Column, city: str, degrees: dict[str, float]) -> None:
        text, to = self._text(name), name if column.to is None else column.to
        if not text and "" not in column.choice:
            if column.required:
                self._refuse(name, text, "a value")
            return
        if column.kind == "choice":
            if text in column.choice:
                value: Any = column.choice[text]
            else:
                value = self._kept(
                    name, text, "one of " + ", ".join(choice or "(empty)" for choice in column.choice)
                )
        elif column.kind == "reference":
            target = f"urn:ngsi-ld:{column.refers}:{city}:{quote(text, safe='-._~')}"
            self._put(to, {"type": "Relationship", "object": target})
            return
        else:
            value = cell.value(column.kind, text)
            if isinstance(value, Misfit):
                if column.required or column.kind in ("latitude", "longitude"):
                    self._refuse(name, text, value.expected)
                    return
                value = self._kept(name, text, value.expected)
        if column.kind in ("latitude", "longitude"):
            degrees[column.kind] = value
        if not to:
            return
        if column.kind == "text" and cell.looks_like_a_formula(text):
            self._remark(name, text, "begins as a spreadsheet formula does; kept as text")
        attribute: dict[str, Any] = {"type": "Property", "value": value}
        if column.unit and not isinstance(value, str):
            attribute["unitCode"] = column.unit
        because = self._text(column.because) if column.because else ""
        if because and value != column.absent:
            refers = self.layout.columns[column.because].refers
            attribute["根拠"] = {
                "type": "Relationship",
                "object": f"urn:ngsi-ld:{refers}:{city}:{quote(because, safe='-._~')}",
            }
        self._put(to, attribute)

    def _kept(self, name: str, text: str, expected: str) -> str:
        self._remark(name, text, f"expected {expected}; kept as it is")
        return text

    def _gather(self) -> None:
        for gather in self.layout.gather:
            tree: dict[str, dict[str, int]] = {}
            for column, text in self.given.items():
                found = re.match(gather.pattern, column)
                if found and text.strip():
                    value = cell.value("integer", text)
                    if isinstance(value, Misfit):
                        self._remark(column, text, f"expected {value.expected}; left out")
                    else:
                        tree.setdefault(found[1], {})[found[2]] = value
            if tree:
                self._put(gather.to, {"type": "JsonProperty", "json": tree})

    def _place(self, geometry: Mapping[str, Any] | None, degrees: Mapping[str, float]) -> None:
        if geometry is None and len(degrees) == 2:
            geometry = {"type": "Point", "coordinates": [degrees["longitude"], degrees["latitude"]]}
        if geometry is not None:
            self._put("location", {"type": "GeoProperty", "value": geometry})
            return
        column = next((name for name, column in self.layout.columns.items() if column.kind == "latitude"), "")
        if self.layout.place == "required":
            self._refuse(column, self._text(column), "a latitude and a longitude")
        elif self.layout.place == "wanted":
            self._remark(
                column, self._text(column), "no latitude and longitude: this row is in lists and on no map"
            )

    def _look(self) -> None:
        for one, other in self.layout.together:
            for empty, full in ((one, other), (other, one)):
                if self._text(full) and not self._text(empty):
                    self._remark(empty, "", f"empty although {full} is {shown(self._text(full))}; left empty")
        for watch in self.layout.watch:
            if re.search(watch.pattern, self._text(watch.column)):
                self._remark(watch.column, self._text(watch.column), watch.says)
        for doubt in self.layout.doubt:
            names = [self.layout.columns[name].to or name for name in doubt.columns]
            if all(self.attributes.get(name, {}).get("value") == doubt.all for name in names):
                for name in names:
                    self._put(name, {"type": "Property", "value": doubt.becomes})
                self._remark(doubt.columns[0], "", doubt.says)
