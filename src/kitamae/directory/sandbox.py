"""The mark of a sandbox: the file `sandbox.json`, in a data directory from before anything else is in it.

It says of which invented people the city is, and it is what the stand-in of デジタル認証アプリ reads: their cards. A directory that
has it is served with invented people, marked on every page, and with nothing of a real city; one that has not never becomes a sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Final, TypedDict

from kitamae.kernel.problems import Conflict, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.directory.layout import Layout
    from kitamae.settings import Settings

_REAL: Final = (
    "residents_issuer",
    "residents_client",
    "residents_key",
    "city_key",
    "keys",
    "seal",
    "store",
    "witnesses",
)
"""Settings that name something of a real city: who signs its residents in, its keys, its state, who vouches for its ledger."""


class Mark(TypedDict):
    """`people` and `seed` were asked for, of the city with that id; `complete`: they have been here all; `residents`: their cards."""

    city: str
    people: int
    seed: int
    complete: bool
    residents: Mapping[str, Mapping[str, str]]


def read(layout: Layout) -> Mark | None:
    """None: no sandbox. Raises Conflict for a mark that cannot be read: that directory is nobody's."""
    try:
        mark: Mark = json.loads(layout.sandbox.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Conflict(f"{layout.sandbox} cannot be read ({error}): make the sandbox anew") from None
    return mark


def write(layout: Layout, mark: Mark) -> None:
    """Whole or not at all."""
    layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = layout.sandbox.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(mark, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(layout.sandbox)


def hand_over(layout: Layout, keys: Mapping[str, str]) -> None:
    """API keys that are ready to be used, for whoever owns the directory: of invented people, so that their secrets may stand there."""
    with open(
        layout.sandbox_keys, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)
    ) as file:
        json.dump(keys, file, ensure_ascii=False, indent=2)


def demand_own(layout: Layout) -> None:
    """A sandbox may be here: nothing is in the directory, or one is here already. Raises Conflict."""
    if layout.sandbox.exists() or not layout.root.exists():
        return
    if any(one.name != layout.lock.name for one in layout.root.iterdir()):
        raise Conflict(
            f"{layout.root} holds something else already, perhaps a real city: a sandbox has a directory of its own; name an"
            " empty one with --data"
        )


def clear(layout: Layout) -> None:
    """Everything of a sandbox goes; its lock, which is held, stays, and its mark goes last. Raises Conflict where none is."""
    if not layout.sandbox.exists():
        raise Conflict(f"{layout.root} holds no sandbox: nothing is deleted there")
    for one in sorted(layout.root.iterdir(), key=lambda one: one == layout.sandbox):
        if one.name == layout.lock.name:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def alone(settings: Settings, layout: Layout) -> Settings:
    """As the directory wants them: a sandbox has the stand-in, and nothing of a real city. Raises Conflict."""
    if not layout.sandbox.exists():
        return settings
    for name in _REAL:
        if getattr(settings, name):
            raise Conflict(
                f"{layout.root} is a sandbox of invented people: KITAMAE_{name.upper()} belongs to a real city and is not used"
                " beside them; leave it out, or serve the real city from its own directory"
            )
    return settings.model_copy(update={"demo_residents": True})


def demand_none(layout: Layout, what: str) -> None:
    """Raises Unprocessable where a sandbox is: it is made anew, and nothing comes in or goes out of it by another way."""
    if layout.sandbox.exists():
        raise Unprocessable(f"a sandbox {what}: kitamae sandbox --fresh makes it anew")
