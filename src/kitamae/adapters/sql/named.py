"""SQL by name: `-- name: changes_after` opens a query in a .sql file, comments say what it is for."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: ([a-z_0-9]+)\s*$", re.MULTILINE)


def queries(*names: str, package: str) -> dict[str, str]:
    """Read `<name>.sql` of a package: name -> SQL. Raises ValueError for a name used twice.

    Modules look their queries up while they are imported: a name that is not there fails at once, not at night.
    """
    found: dict[str, str] = {}
    for name in names:
        text = files(package).joinpath(f"{name}.sql").read_text("utf-8")
        parts = _NAME.split(text)[1:]
        for query, sql in zip(parts[::2], parts[1::2], strict=True):
            if query in found:
                raise ValueError(f"{name}.sql: the name {query} is used twice")
            body = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
            found[query] = body.strip().rstrip(";")
    return found
