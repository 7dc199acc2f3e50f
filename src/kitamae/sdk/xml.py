"""XML from strangers: no DTD, no entities, no network, not larger than a message can be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from lxml import etree

MOST_BYTES: Final = 10_000_000
"""The largest sample of 気象庁 has 0.3 MB; the Atom feed says that none is larger than a few."""


class BadMessageError(ValueError):
    """What came is no message of its format; says where, and what was expected."""


def parse(text: bytes) -> etree._Element:
    """The root element. Raises BadMessageError."""
    if len(text) > MOST_BYTES:
        raise BadMessageError(f"it is longer than any message: at most {MOST_BYTES:,} bytes are read")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadMessageError(f"no well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadMessageError("it brings a document type declaration (DOCTYPE), which no message needs")
    return root


def text(element: etree._Element | None, path: str) -> str:
    """Of the first element there, as it is written; "" where there is none."""
    found = None if element is None else element.find(path)
    return "" if found is None else "".join(str(part) for part in found.itertext()).strip()


def moment(element: etree._Element | None, path: str) -> datetime | None:
    """An xs:dateTime with its offset, in UTC; None where nothing is said. Raises BadMessageError."""
    said = text(element, path)
    if not said:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise BadMessageError(
            f"{path.rpartition('}')[2]}: {said!r:.60} is no time such as 2026-11-21T09:00:00+09:00"
        ) from error
    if at.tzinfo is None:
        raise BadMessageError(f"{path.rpartition('}')[2]}: {said!r:.60} has no offset from UTC")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:  # of a year that is none in UTC
        raise BadMessageError(f"{path.rpartition('}')[2]}: {said!r:.60} is in no year") from error
