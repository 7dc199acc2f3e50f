"""Photos as cameras write them, for tests: made here, with whatever a camera writes beside the picture."""

from __future__ import annotations

import io

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base


def file(
    kind: str = "JPEG",
    size: tuple[int, int] = (400, 300),
    colour: str = "red",
    place: tuple[float, float] | None = None,
    turned: int = 1,
) -> bytes:
    """`place`: longitude and latitude; `turned`: the orientation of EXIF."""
    picture = Image.new("RGB", size, colour)
    picture.paste("blue", (0, 0, size[0] // 4, size[1] // 4))
    exif = Image.Exif()
    exif[Base.Orientation] = turned
    exif[Base.Make] = "Secret Camera"
    if place:
        exif.get_ifd(IFD.GPSInfo).update(
            {
                GPS.GPSLatitudeRef: "N",
                GPS.GPSLatitude: (place[1], 0.0, 0.0),
                GPS.GPSLongitudeRef: "E",
                GPS.GPSLongitude: (place[0], 0.0, 0.0),
            }
        )
    made = io.BytesIO()
    picture.save(made, kind, exif=exif, **({"comment": b"my house"} if kind == "JPEG" else {}))
    return made.getvalue()
