"""The words of the letters: that there is something to read and where, and nothing of what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.web.languages import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.sdk.manifest import Language
    from kitamae.web.page import ShellPage

MY = "/my/notices"


class Texts:
    """`origin`: where the city is reached."""

    def __init__(self, page: ShellPage, origin: str) -> None:
        self._page, self._origin = page, origin

    def notice(self, language: str, numbers: Sequence[str]) -> tuple[str, str]:
        """Subject and text: these notices wait on My page."""
        return self._draw("notice-mail.txt", language, numbers=list(numbers))

    def sure(self, language: str, code: str) -> tuple[str, str]:
        """Subject and text: the code by which whoever gave this address shows that he reads its mail."""
        return self._draw("sure-mail.txt", language, code=code)

    def _draw(self, template: str, language: str, **values: object) -> tuple[str, str]:
        shell = self._page.shell
        spoken: Language = known(language, shell.languages) or "ja"
        texts = shell.environment(self._page.folder, spoken).get_template(template)
        written = texts.render(city=shell.city, link=self._origin + MY, **values)
        subject, _, text = written.strip().partition("\n")
        return subject, text.lstrip("\n")
