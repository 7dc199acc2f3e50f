"""A photo is what its content is; of it only what is seen is kept, and nothing makes the machine choke."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kitamae.kernel.problems import BadRequest, Problem, TooLarge
from kitamae.kit.reports.photo import KEPT_BYTES, MOST_BYTES, SIDE, Photo, covered, taken
from photos import file


def seen(photo: Photo) -> Image.Image:
    return Image.open(io.BytesIO(photo.jpeg))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_the_camera_wrote_is_not_in_what_is_kept_and_the_place_is_told_apart(kind: str) -> None:
    photo = taken(file(kind, place=(136.3, 36.25)))
    assert photo.place == pytest.approx((136.3, 36.25))
    assert (seen(photo).format, dict(seen(photo).getexif())) == ("JPEG", {})
    for secret in (b"Secret", b"my house", b"Exif", b"http://ns.adobe.com"):
        assert secret not in photo.jpeg


def test_a_photo_that_was_taken_sideways_stands_upright() -> None:
    photo = taken(file(turned=6))
    assert (photo.width, photo.height) == (300, 400)
    red, _, blue = seen(photo).convert("RGB").getpixel((290, 10))
    assert blue > 200 > red


def test_a_large_photo_is_made_as_small_as_the_vault_can_hold() -> None:
    noise = Image.effect_noise((3000, 2000), 120).convert("RGB")
    made = io.BytesIO()
    noise.save(made, "JPEG", quality=95)
    photo = taken(made.getvalue())
    assert max(photo.width, photo.height) <= SIDE
    assert len(photo.jpeg) <= KEPT_BYTES


def png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"%PDF-1.7\n",
        b"GIF89a" + b"\0" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        file()[:2000],
        b"\xff\xd8" + b"\xff\xda" * 100,
        png(60_000, 60_000),
        png(9_000, 9_000),
        png(6_000, 5_000),
    ],
    ids=[
        "empty",
        "text",
        "pdf",
        "gif",
        "svg",
        "cut off",
        "scans",
        "bomb",
        "too many pixels",
        "too many for a PNG",
    ],
)
def test_what_is_no_photo_or_would_fill_the_memory_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match="photo"):
        taken(data)


def test_more_bytes_than_a_camera_writes_are_refused_unread() -> None:
    with pytest.raises(TooLarge):
        taken(b"\xff\xd8" + bytes(MOST_BYTES))


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow says of a broken EXIF
@given(st.binary(max_size=400), st.integers(0, 4_000))
def test_whatever_is_written_into_a_photo_it_is_taken_or_refused(noise: bytes, at: int) -> None:
    data = bytearray(_WHOLE)
    data[at : at + len(noise)] = noise
    try:
        photo = taken(bytes(data))
    except Problem:
        return
    assert seen(photo).format == "JPEG"


_WHOLE = file(size=(64, 64), place=(136.3, 36.25))


@pytest.mark.parametrize("place", [(0.0, 0.0), (200.0, 36.0), (136.0, 91.0)])
def test_a_place_that_is_nowhere_is_no_place(place: tuple[float, float]) -> None:
    assert taken(file(place=place)).place is None


def test_a_square_that_is_covered_has_one_colour_and_the_others_stay() -> None:
    made = Image.open(io.BytesIO(covered(taken(file()).jpeg, {0}, 8, 6))).convert("RGB")
    corner = {made.getpixel((x, y)) for x in range(4, 46) for y in range(4, 46)}
    assert all(max(abs(c - 90) for c in colour) < 12 for colour in corner)
    assert made.getpixel((390, 290))[0] > 200
    with pytest.raises(BadRequest):
        covered(taken(file()).jpeg, {48}, 8, 6)


@pytest.mark.parametrize(("size", "progressive"), [((6_000, 5_000), True), ((30_000, 1_000), False)])
def test_a_jpeg_that_cannot_be_decoded_smaller_is_bounded_as_the_others(
    size: tuple[int, int], progressive: bool
) -> None:
    made = io.BytesIO()
    Image.new("L", size).save(made, "JPEG", progressive=progressive)
    with pytest.raises(BadRequest, match="more pixels"):
        taken(made.getvalue())
