"""An Atom feed (RFC 4287) of messages that lie elsewhere: which there are, whose, since when, and where each is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from kitamae.sdk.xml import BadMessageError, moment, parse, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lxml import etree

MOST: Final = 20_000
"""Entries that are read of one feed. 気象庁's of several days has some thousands."""
_LONGEST: Final = 500
_IN: Final = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True)
class Entry:
    """`updated` in UTC, None where it is not said; `href`: where the message is."""

    id: str
    title: str
    office: str
    updated: datetime | None
    href: str


@dataclass(frozen=True, slots=True)
class Feed:
    """`updated` in UTC; `entries` in the feed's own order; `astray`: how many lead to somewhere else than where the feed is."""

    updated: datetime | None
    entries: tuple[Entry, ...]
    astray: int = 0


def read(content: bytes, url: str) -> Feed:
    """A feed that was fetched from `url`. What leads to another host than that is left out. Raises BadMessageError."""
    root = parse(content)
    if root.tag != f"{_IN}feed":
        raise BadMessageError(f"the root is {root.tag!r:.80}: expected feed of Atom")
    found = list(_entries(root, url))
    here = [one for one in found if _origin(one.href) == _origin(url)]
    return Feed(moment(root, f"{_IN}updated"), tuple(here[:MOST]), len(found) - len(here))


def _entries(root: etree._Element, url: str) -> Iterator[Entry]:
    for one in root.iterfind(f"{_IN}entry"):
        id = text(one, f"{_IN}id")
        link = next(
            (part for part in one.iterfind(f"{_IN}link") if part.get("rel") in (None, "alternate")), None
        )
        href = urljoin(url, (link.get("href") if link is not None else "") or id)
        if id and max(len(id), len(href)) <= _LONGEST:
            yield Entry(
                id,
                text(one, f"{_IN}title")[:_LONGEST],
                text(one, f"{_IN}author/{_IN}name")[:_LONGEST],
                moment(one, f"{_IN}updated"),
                href,
            )


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc
