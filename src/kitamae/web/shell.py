"""What all pages of a city have in common: its name, its menu, its languages, its look."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_eval_context
from jinja2.nodes import EvalContext

from kitamae.sdk import hazards
from kitamae.web import qr, speak
from kitamae.web.languages import OFFERED, Catalog
from kitamae.web.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from kitamae.kernel.people.colleagues import Called
    from kitamae.sdk.city import City as Profile
    from kitamae.sdk.context import Context
    from kitamae.sdk.manifest import Language
    from kitamae.web.kept import KeptPage
    from kitamae.web.tiles import Basemap

Texts: TypeAlias = "Mapping[Any, str]"
"""Language -> text; `languages.say` picks."""

_NOBODYS: Final = {"ja": "まちのOS", "ja_Hira": "まちの OS", "en": "City OS", "zh": "城市OS", "ko": "도시 OS"}
"""What an empty broker without a city is called."""

HERE = Path(__file__).parent
STATIC = HERE / "static"


@dataclass(frozen=True, slots=True)
class City:
    """What a page says about the city. All of it comes from the city's profile."""

    name: Texts = field(default_factory=lambda: dict(_NOBODYS))
    platform: Texts = field(default_factory=dict)  # スマートシティ加賀
    prefecture: Texts = field(default_factory=dict)
    lead: Texts = field(default_factory=dict)  # one sentence under the title
    contact: Texts = field(default_factory=dict)  # whom to tell when a page does not work for you
    website: str = ""
    code: str = ""  # 全国地方公共団体コード; empty: whatever is here is the city's

    @classmethod
    def of(cls, profile: Profile | None) -> City:
        """From `city.toml`; None is an empty broker without a city."""
        if profile is None:
            return cls()
        return cls(profile.name, profile.platform, profile.prefecture, code=profile.code)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line in the menu and a card on the home page: one service."""

    href: str
    name: Texts
    summary: Texts = field(default_factory=dict)
    icon: str = "service"  # a symbol of static/icons.svg
    order: int = 100
    finds: bool = False  # its page takes `?text=`: the search box of the home page leads there


@dataclass(frozen=True, slots=True)
class Desk:
    """A line on the page of staff: where a desk's work is done. `desk` "": everybody's of the staff."""

    href: str
    name: Texts
    desk: str = ""


Banner: TypeAlias = "Callable[[Request, Language], str]"
"""What stands above every page for whoever asks, as HTML; "" for nothing."""


@dataclass
class Shell:
    """One per running city. `context` is the read door; None while nothing can be read."""

    context: Context
    city: City = field(default_factory=City)
    menu: Sequence[Entry] = ()
    languages: Sequence[Language] = OFFERED
    words: Words = field(default_factory=Words.load)
    residents: bool = False  # residents can sign in
    visitors: bool = False  # visitors can, with an e-mail address
    demo: bool = False  # ... with invented ones, which every page must say
    sandbox: bool = False  # ... and nobody here is real
    reports: bool = False  # whoever sees something can say so at /reports
    desks: list[Desk] = field(default_factory=list)
    banners: list[Banner] = field(default_factory=list)
    purposes: Mapping[str, Texts] = field(default_factory=dict)  # what each is called
    colleagues: Callable[[str], Called | None] = field(
        default=lambda _: None
    )  # what a member of staff is called
    kept: dict[str, KeptPage] = field(default_factory=dict)  # by path
    worker: bool = True  # pages are kept in the reader's browser too
    kept_seconds: float = 1.0  # the least between two drawings of one of them
    origin: str = ""  # what an address begins with that is printed; empty: nobody knows
    basemap: Basemap | None = None  # None: the map shows points on an empty ground

    @cached_property
    def vendored(self) -> bool:
        """Whether the npm packages were copied here: without them pages work, islands do not open."""
        return (STATIC / "vendor" / "design-tokens" / "tokens.css").is_file()

    def environment(self, folder: Path, language: Language) -> Environment:
        """Templates of a service's folder, then the shell's, speaking one language. Kept."""
        key = (folder, language)
        if key not in self._environments:
            self._environments[key] = self._build(folder, language)
        return self._environments[key]

    @cached_property
    def _environments(self) -> dict[tuple[Path, Language], Environment]:
        return {}

    def _build(self, folder: Path, language: Language) -> Environment:
        folders = list(dict.fromkeys((folder, HERE)))
        environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(place / "templates") for place in folders]),
            autoescape=_is_page,  # noqa: S701  # all but letters, which are plain text
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        catalog = Catalog(language, [place / "locales" for place in folders])
        install: Any = environment.install_gettext_callables  # type: ignore[attr-defined]  # added by the extension
        install(*_texts(catalog), newstyle=True)
        environment.globals.update(static=static, shell=self, qr=qr.svg)
        speak.install(environment, language, self.words)
        environment.filters["hazards"] = hazards.of
        return environment


def _is_page(template: str | None) -> bool:
    """Else it is a letter, in which nothing is marked up."""
    return template is None or not template.endswith(".txt")


def _texts(catalog: Catalog) -> tuple[Callable[..., str], Callable[..., str]]:
    """Gettext and ngettext for pages. What a translator wrote is text: it opens no tag, and ends no attribute that it stands in (these are
    written with double quotes). Without this Jinja takes it for markup.
    """

    def text(context: EvalContext, said: str) -> str:
        return html.escape(said, quote=False).replace('"', "&#34;") if context.autoescape else said

    @pass_eval_context
    def gettext(context: EvalContext, message: str) -> str:
        return text(context, catalog.gettext(message))

    @pass_eval_context
    def ngettext(context: EvalContext, one: str, many: str, count: int) -> str:
        return text(context, catalog.ngettext(one, many, count))

    return gettext, ngettext


def static(path: str) -> str:
    """The address of a file of ours, with the first letters of its digest: it may be cached for ever."""
    if path not in _marks:
        file = STATIC / path
        _marks[path] = sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else ""
    return f"/static/{path}?v={_marks[path]}" if _marks[path] else f"/static/{path}"


_marks: dict[str, str] = {}
