"""What goes out: a title, a line, and where to read more. Nothing of whoever gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kit.notices.area.announcement import standing
from kitamae.web.languages import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kit.notices.area.announcement import Item
    from kitamae.sdk.manifest import Language
    from kitamae.web.page import ShellPage


class Texts:
    """`origin`: where the city is reached."""

    def __init__(self, page: ShellPage, origin: str) -> None:
        self._page, self._origin = page, origin

    @property
    def link(self) -> str:
        """What to do now."""
        return f"{self._origin}/disaster"

    def leave(self, id: str) -> str:
        """Where a subscriber leaves; his id is the key."""
        return f"{self._origin}/disaster/notices/leave/{id}"

    def message(self, language: str, kind: str, items: Sequence[Item]) -> tuple[str, str]:
        """Title and line about these items."""
        raised = standing(items) if kind == "alerts" else []
        about = sorted(raised or items, key=lambda one: one["level"], reverse=True)
        names = list(dict.fromkeys(one["name"] for one in about if one["name"]))
        return self._draw(
            f"told-{kind}.txt", language, items=about, first=about[0], raised=raised, names=names
        )

    def choose(self, language: str, token: str) -> str:
        """To whoever wrote to the city's account on LINE: where he chooses."""
        link = f"{self._origin}/disaster/notices?line={token}"
        return " ".join(self._draw("told-choose.txt", language, link=link)).strip()

    def _draw(self, template: str, language: str, **values: object) -> tuple[str, str]:
        shell = self._page.shell
        spoken: Language = known(language, shell.languages) or "ja"
        texts = shell.environment(self._page.folder, spoken).get_template(template)
        title, _, line = texts.render(city=shell.city, lang=spoken, **values).strip().partition("\n")
        return title.strip(), " ".join(line.split())
