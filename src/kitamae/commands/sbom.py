"""`kitamae sbom`: what this Kitamae is made of."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from kitamae import sbom as bills
from kitamae.commands.speech import say
from kitamae.web.vendor import INVENTORY


def sbom(*, to: Path | None = None) -> None:
    """Write a CycloneDX 1.6 bill of materials of what is installed here: Python and npm packages, versions, licences, who needs whom.

    Parameters
    ----------
    to
        The file; standard output unless told.

    """
    text = bills.bill()
    if to is None:
        sys.stdout.write(text + "\n")
    else:
        to.write_text(text + "\n", "utf-8")
    if not INVENTORY.is_file():
        Console(stderr=True, highlight=False).print(
            say("No npm packages are here (make vendor): the browser gets none, and none is listed."),
            markup=False,
        )
