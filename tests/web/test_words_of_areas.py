"""Every text of every area of the pages is there in all five languages, with the same gaps, and easy Japanese is in kana."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitamae.kernel.registers import assessments, dtpr, incidents, papers, sensors
from kitamae.sdk import said
from kitamae.web import languages
from kitamae.web.registers import HERE as REGISTERS
from kitamae.web.shell import HERE

AREAS = sorted(one.parent for one in HERE.glob("*/templates"))
TABLES = (
    *dtpr.CHAIN.values(), dtpr.IDENTIFIES, sensors.STATES, sensors.KINDS, assessments.STATES, incidents.STATES,
    incidents.SEVERITIES, papers.SERVICE_STATES,
)  # fmt: skip
"""What pages of the registers translate that stands in no template."""


@pytest.mark.parametrize("area", [HERE, *AREAS], ids=lambda area: area.name)
def test_every_text_of_an_area_is_there_in_every_language(area: Path) -> None:
    assert said.messages(area), "there is something to say"
    assert list(said.in_catalogs(area, shared=None if area == HERE else HERE)) == []


def test_every_area_is_looked_at() -> None:
    assert {"delegates", "duties", "links", "my", "registers", "requests", "watching"} <= {
        one.name for one in AREAS
    }


@pytest.mark.parametrize("language", ["ja_Hira", "en", "zh", "ko"])
def test_every_word_of_the_registers_tables_is_there(language: str) -> None:
    known: set[object] = set()
    for folder in (REGISTERS, HERE):  # the shell's own words are the shell's to translate
        known |= {
            id for id, text in languages._messages(folder / "locales" / f"{language}.po").items() if text
        }
    assert {word for table in TABLES for word in table.values()} - known == set()
