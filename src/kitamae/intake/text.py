"""Bytes to lines: UTF-8 with or without BOM, CP932 (Windows' Shift_JIS), any mixture of line ends."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final, Literal

from kitamae.intake.row import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, TextIO

Encoding = Literal["utf-8", "cp932"]

LONGEST: Final = 1 << 20
"""Characters that one line may have. What is longer is no table and would only fill the memory."""

_CHUNK: Final = 1 << 20
_OTHER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
}


def encoding_of(path: Path) -> Encoding:
    """UTF-8 where the whole file is; else CP932 where that is; else the one that its first line is in.

    Raises UnreadableFileError for an empty file, for text in another encoding that says so, and for other formats.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if not head.strip():
            raise UnreadableFileError(f"{path.name}: the file is empty; expected a header line and rows")
        for mark, name in _OTHER_MARKS.items():
            if head.startswith(mark):
                raise UnreadableFileError(
                    f"{path.name}: this is {name}; expected CSV or GeoJSON text in UTF-8 (with or without BOM) or CP932"
                )
        for encoding in ("utf-8", "cp932"):
            if _is(file, encoding):
                return encoding
        file.seek(0)
        first = file.readline(_CHUNK)
    try:
        first.decode("utf-8")
    except UnicodeDecodeError:
        return "cp932"
    return "utf-8"


def ends(path: Path) -> bool:
    """Whether the last line has an end."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        return file.read(1) in (b"\n", b"\r")


def _is(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def opened(path: Path, encoding: Encoding) -> TextIO:
    """The file as text with line ends as LF, whatever they were.

    Bytes that are not of the encoding arrive as lone surrogates, so that the row they are in can be refused alone.
    """
    return path.open(encoding=encoding, errors="surrogateescape", newline=None)


def lines(text: TextIO) -> Iterator[str | None]:
    """Each line without its end; None for one that is longer than LONGEST. Constant memory, whatever the file."""
    first = True
    while line := text.readline(LONGEST + 1):
        if first:
            line = line.removeprefix("\ufeff")
            first = False
        if len(line) > LONGEST and not line.endswith("\n"):
            while (rest := text.readline(LONGEST)) and not rest.endswith("\n"):
                pass
            yield None
        else:
            yield line.removesuffix("\n")


def undecodable(text: str) -> bool:
    """Whether some bytes of it were not of the encoding."""
    return any("\ud800" <= char <= "\udfff" for char in text)
