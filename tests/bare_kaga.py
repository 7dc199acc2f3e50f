"""Kaga's profile without its data, or with some of it: a city that is loaded at once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"


def bare(folder: Path, *with_: str) -> Path:
    """A copy of the profile in `folder`. `with_`: names of files of data that it keeps ("towns")."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = "|".join(map(re.escape, with_)) or "(?!)"
    data = rf'\[\[data\]\]\s+file = "data/(?!(?:{kept})\.)[^\[]*'
    text = re.sub(data, "", (KAGA / "city.toml").read_text("utf-8"))
    (folder / "city.toml").write_text(text, "utf-8")
    for name in ("context.jsonld", "sensors.toml"):
        shutil.copy(KAGA / name, folder / name)
    for name in ("devices", "pia"):
        shutil.copytree(KAGA / name, folder / name)
    if with_:
        (folder / "data").mkdir()
    for name in with_:
        shutil.copy(KAGA / "data" / f"{name}.csv", folder / "data")
    return folder
