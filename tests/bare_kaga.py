"""Kaga's profile without its data: a city that is loaded at once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"


def bare(folder: Path) -> Path:
    """A copy of the profile in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"\[\[data\]\][^\[]*", "", (KAGA / "city.toml").read_text("utf-8"))
    (folder / "city.toml").write_text(text, "utf-8")
    for name in ("context.jsonld", "sensors.toml"):
        shutil.copy(KAGA / name, folder / name)
    for name in ("devices", "pia"):
        shutil.copytree(KAGA / name, folder / name)
    return folder
