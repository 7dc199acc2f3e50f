"""A photo that somebody sends, decoded within bounds and written anew: only what is seen is kept, nothing of what the camera wrote beside it.

What it is, its content says, never its name. EXIF, XMP, IPTC, comments and thumbnails go with the file that was sent; the place and
the orientation are read first. Nothing touches a disk. Pillow decodes; docs/decisions/0132 says what bounds it.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageOps

from kitamae.kernel.problems import BadRequest, Problem, TooLarge

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_BYTES: Final = 12_000_000
"""Of what is sent: more than what a telephone's camera writes."""
SIDE: Final = 1600
"""Pixels of the longer side of what is kept."""
KEPT_BYTES: Final = 600_000
"""Of what is kept: a record of the vault holds it, in base64 (`vault.writing.MOST_BYTES`)."""
FORMATS: Final = ("JPEG", "PNG", "WEBP")
_PIXELS: Final = {"JPEG": 80_000_000, "PNG": 25_000_000, "WEBP": 25_000_000, "WHOLE": 25_000_000}
"""A JPEG is decoded smaller than it is, unless it is progressive, or long and narrow; of the others every pixel lies in memory, at up to four bytes."""
_SCANS: Final = 64
"""Parts of a JPEG. Cameras write ten at most; each of thousands would be decoded over the whole picture."""
_QUALITIES: Final = (82, 74, 66, 58, 50)
_GPS: Final = 0x8825


@dataclass(frozen=True, slots=True)
class Photo:
    """`jpeg`: at most `KEPT_BYTES`, without any metadata. `place`: (longitude, latitude, WGS84) that the camera wrote into the file that was sent;
    personal data, and in nothing that is kept.
    """

    jpeg: bytes
    width: int
    height: int
    place: tuple[float, float] | None = None


def taken(data: bytes) -> Photo:
    """From a file as it was sent. Blocking; the caller decodes one at a time. Raises TooLarge, BadRequest."""
    if len(data) > MOST_BYTES:
        raise TooLarge(f"photo: a photo has {MOST_BYTES:,} bytes at most")
    if data.count(b"\xff\xda") > _SCANS and data.startswith(b"\xff\xd8"):
        raise BadRequest("photo: this picture is made of more parts than a camera makes")
    try:
        return _written_anew(data)
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,  # where warnings are errors
    ) as error:
        raise BadRequest("photo: this picture has more pixels than are decoded here") from error
    except Problem:
        raise
    except Exception as error:  # a decoder of hostile bytes fails in many ways: none of them is ours
        raise BadRequest("photo: this is no picture that can be read: send a JPEG, PNG or WebP") from error


def covered(jpeg: bytes, squares: Collection[int], columns: int, rows: int) -> bytes:
    """The photo with these squares of a grid, counted from the upper left by rows, made one colour: nothing of them can be had back.

    Blocking. Raises BadRequest.
    """
    if not squares or not all(0 <= one < columns * rows for one in squares):
        raise BadRequest("squares: choose squares of the photo")
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        picture = opened.convert("RGB")
    width, height = picture.size
    for one in squares:
        row, column = divmod(one, columns)
        box = (
            *(column * width // columns, row * height // rows),
            *((column + 1) * width // columns, (row + 1) * height // rows),
        )
        picture.paste((90, 90, 90), box)
    return _jpeg(picture)


def _written_anew(data: bytes) -> Photo:
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        kind = "JPEG" if opened.format == "MPO" else str(opened.format)
        if opened.width * opened.height > _PIXELS["WHOLE" if opened.info.get("progressive") else kind]:
            raise BadRequest("photo: this picture has more pixels than are decoded here")
        place = _place(opened)
        opened.draft("RGB", (SIDE, SIDE))  # a JPEG alone is decoded smaller
        if opened.width * opened.height > _PIXELS["WHOLE"]:
            raise BadRequest("photo: this picture has more pixels than are decoded here")
        upright = ImageOps.exif_transpose(opened)
        upright.thumbnail((SIDE, SIDE))
        picture = _flat(upright)
    return Photo(_jpeg(picture), *picture.size, place)


def _flat(picture: Image.Image) -> Image.Image:
    """In three colours on white, and with nothing but its pixels."""
    seen = picture.convert("RGBA")
    ground = Image.new("RGB", seen.size, "white")
    ground.paste(seen, mask=seen.getchannel("A"))
    return ground


def _jpeg(picture: Image.Image) -> bytes:
    """As good as fits. Raises BadRequest."""
    for quality in _QUALITIES:
        made = io.BytesIO()
        picture.save(made, "JPEG", quality=quality, optimize=True)
        if made.tell() <= KEPT_BYTES:
            return made.getvalue()
    smaller = picture.copy()
    smaller.thumbnail((picture.width * 3 // 4, picture.height * 3 // 4))
    if smaller.width < 16 or smaller.height < 1:
        raise BadRequest("photo: this is no picture that can be read: send a JPEG, PNG or WebP")
    return _jpeg(smaller)


def _place(opened: Image.Image) -> tuple[float, float] | None:
    """What the camera says of where it was; None where that is nothing, or nowhere on Earth."""
    try:
        told: dict[int, Any] = opened.getexif().get_ifd(_GPS)
        latitude = _degrees(told[2]) * (-1 if told.get(1) == "S" else 1)
        longitude = _degrees(told[4]) * (-1 if told.get(3) == "W" else 1)
    except (KeyError, TypeError, ValueError, ArithmeticError, OSError, SyntaxError):
        return None
    if not (abs(longitude) <= 180 and abs(latitude) <= 90) or (longitude == 0 and latitude == 0):
        return None
    return longitude, latitude


def _degrees(parts: Any) -> float:
    """From degrees, minutes and seconds. Raises ValueError for what is no number."""
    degrees, minutes, seconds = (float(one) for one in parts)
    found = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(found):
        raise ValueError("no number")
    return found
