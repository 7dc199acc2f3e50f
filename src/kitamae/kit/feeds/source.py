"""Whose feeds a city follows, and how what they carry is read: a service's `ingest` says it, the operator says where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context.subscription.destinations import Destinations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from kitamae.sdk.city import City


@dataclass(frozen=True, slots=True)
class Pulled:
    """As the operator has it. `address`: the folder of the feeds, "": none is followed; `hub`: who tells what is new (WebSub), "": nobody;
    `destinations`: where the city may ask at all.
    """

    address: str = ""
    hub: str = ""
    destinations: Destinations = field(default_factory=Destinations)

    def __bool__(self) -> bool:
        return bool(self.address)


@dataclass(frozen=True, slots=True)
class Source:
    """`format`: one of `ingest.FORMATS` that has `ingest.FEEDS`; `city`: of whose areas it is asked."""

    format: str
    ingest: ModuleType
    city: City
    pulled: Pulled

    @property
    def names(self) -> Sequence[str]:
        """Of its feeds."""
        return tuple(self._files)

    @property
    def _files(self) -> Mapping[str, tuple[str, str]]:
        files: Mapping[str, tuple[str, str]] = self.ingest.FEEDS[self.format]
        return files

    def url(self, name: str, *, long: bool = False) -> str:
        """Of a feed; `long`: of the last days."""
        return f"{self.pulled.address.rstrip('/')}/{self._files[name][long]}"

    def wants(self, office: str) -> bool:
        """Whether what that office publishes is fetched."""
        chosen = self.city.alert_offices
        return not chosen or any(one in office for one in chosen)

    def read(self, content: bytes) -> Any:
        """A message. Raises `ingest.BadMessageError`."""
        return self.ingest.FORMATS[self.format](content)
