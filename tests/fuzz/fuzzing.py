"""How much is tried: `make fuzz` asks for many examples of each kind (KITAMAE_FUZZ), the usual run for a few."""

from __future__ import annotations

import os
from typing import Final

MANY: Final = int(os.environ.get("KITAMAE_FUZZ", "0"))


def examples(usual: int) -> int:
    return MANY or usual
