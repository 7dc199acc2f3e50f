"""How the address of a PostgreSQL begins: known without loading what speaks to it."""

from __future__ import annotations

from typing import Final

SCHEMES: Final = ("postgresql://", "postgres://")
