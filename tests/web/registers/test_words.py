"""Every word of the registers is there in every language."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from kitamae.kernel.registers import assessments, dtpr, incidents, papers, sensors
from kitamae.web.registers import HERE
from kitamae.web.shell import HERE as SHELL

TABLES = (
    *dtpr.CHAIN.values(), dtpr.IDENTIFIES, sensors.STATES, sensors.KINDS, assessments.STATES, incidents.STATES,
    incidents.SEVERITIES, papers.SERVICE_STATES,
)  # fmt: skip


def words() -> set[str]:
    said = {word for table in TABLES for word in table.values()}
    for path in HERE.glob("templates/**/*.html"):
        with path.open("rb") as file:
            for _, message, *_ in extract("jinja2.ext.babel_extract", file, options={"encoding": "utf-8"}):
                said.add(message if isinstance(message, str) else message[0])
    return said


def catalog(path: Path) -> set[str]:
    with path.open("rb") as file:
        return {
            one.id if isinstance(one.id, str) else one.id[0]
            for one in read_po(file)
            if one.id and one.string and not one.fuzzy
        }


@pytest.mark.parametrize("language", ["ja_Hira", "en", "zh", "ko"])
def test_every_word_is_there(language: str) -> None:
    own = catalog(HERE / "locales" / f"{language}.po")
    shell = catalog(SHELL / "locales" / "en.po")  # the shell's own words are the shell's to translate
    assert words() - own - shell == set()
