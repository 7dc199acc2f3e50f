"""Which language of a LanguageProperty to answer with (clause 4.15; RFC 3282 preferences, RFC 4647 lookup)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json


@lru_cache(maxsize=256)
def preferences(lang: str) -> tuple[str, ...]:
    """`fr;q=0.2, nl-BE` -> ("nl-be", "fr"): ranges in lower case, the most wanted first. Raises BadRequest."""
    weighed: list[tuple[float, str]] = []
    for part in lang.split(","):
        wanted, _, parameter = part.strip().partition(";")
        name, _, number = parameter.strip().partition("=")
        try:
            weight = float(number) if parameter else 1.0
        except ValueError:
            weight = -1.0
        tag = wanted.strip().lower()
        plain = tag.replace("-", "")
        if not 0 <= weight <= 1 or (parameter and name.strip() != "q") or not (plain.isalnum() or tag == "*"):
            raise BadRequest(f"lang: expected languages such as ja,en;q=0.5, got {lang!r:.80}")
        if weight > 0:
            weighed.append((-weight, tag))
    return tuple(tag for _, tag in sorted(weighed, key=lambda pair: pair[0]))


def choose(language_map: Mapping[str, Json], lang: str) -> tuple[str, Json]:
    """(tag, words) of the best language that is there; of any, `@none` first, when none of the wanted ones is."""
    lowered = {tag.lower(): tag for tag in language_map}
    for wanted in preferences(lang):
        if wanted == "*":
            break
        start = wanted
        while start:
            if start in lowered:
                return lowered[start], language_map[lowered[start]]
            for tag, written in lowered.items():
                if tag.startswith(start + "-"):
                    return written, language_map[written]
            start = start.rpartition("-")[0]
    tag = "@none" if "@none" in language_map else next(iter(language_map))
    return tag, language_map[tag]
