"""A file that a person sends: is there a 個人番号 in it? It is held back until its sender has blanked the number out.

Read are plain text (UTF-8, UTF-16, CP932, with whatever is written in it: CSV, JSON, HTML) and the documents that are
XML in a ZIP file (docx, xlsx, pptx, odt, ods). A picture, a scan or a PDF cannot be read here: the answer says so, and a
person has to look. Nothing is unpacked onto a disk; sizes are bounded before anything is read.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Final

from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest

MOST_BYTES: Final = 20_000_000
"""Of a file, and of what its parts are unpacked to."""
MOST_PARTS: Final = 2_000

_TAG: Final = re.compile(r"<[^<>]{0,10000}>")
_SHOWN: Final = re.compile(r"(^|/)(word|xl|ppt)/.*\.xml$|(^|/)(content|styles|meta)\.xml$|^docProps/.*\.xml$")
_BETWEEN_CELLS: Final = re.compile(r"</(?:c|v|t|si|row|w:p|a:p|text:p|text:h|table:table-cell)>")


@dataclass(frozen=True, slots=True)
class Looked:
    """`numbers`: how many were found. `readable` False: a person has to look, nothing is known of it."""

    numbers: int
    readable: bool

    @property
    def held_back(self) -> bool:
        """It must not be kept as it is."""
        return bool(self.numbers)


def look_through(data: bytes) -> Looked:
    """What a file holds. Raises BadRequest for one that is too large to be looked through."""
    if len(data) > MOST_BYTES:
        raise BadRequest(f"a file may have {MOST_BYTES} bytes at most, this one has {len(data)}")
    if data.startswith(b"PK\x03\x04"):
        return _document(data)
    text = _text(data)
    return Looked(0, False) if text is None else Looked(len(mynumber.find(text)), True)


def demand_none(data: bytes) -> Looked:
    """Raises HoldsMyNumber, with a sentence for the sender; returns what is known of a file that may be kept."""
    looked = look_through(data)
    if looked.held_back:
        raise mynumber.HoldsMyNumber(
            f"このファイルには個人番号と思われる12桁の数字が{looked.numbers}か所あります。お預かりしていません。"
            "その部分を黒く塗るか消して、もう一度送ってください。"
        )
    return looked


def _text(data: bytes) -> str | None:
    """None: it is none."""
    encodings = (
        ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp932", "euc-jp")
    )
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = sum(1 for letter in text if letter < " " and letter not in "\t\n\r\f\x1b")
        return text if odd * 200 <= len(text) else None
    return None


def _document(data: bytes) -> Looked:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            shown = [part for part in parts.infolist() if _SHOWN.search(part.filename)]
            if len(shown) > MOST_PARTS or sum(part.file_size for part in shown) > MOST_BYTES:
                raise BadRequest(f"a document may unpack to {MOST_BYTES} bytes at most")
            numbers, left = 0, MOST_BYTES
            for part in shown:
                with parts.open(part) as stream:
                    xml = stream.read(left + 1)
                left -= len(xml)
                if left < 0:
                    raise BadRequest(f"a document may unpack to {MOST_BYTES} bytes at most")
                text = _BETWEEN_CELLS.sub("\n", xml.decode("utf-8", "replace"))
                numbers += len(mynumber.find(_TAG.sub("", text)))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        return Looked(0, False)
    return Looked(numbers, bool(shown))
