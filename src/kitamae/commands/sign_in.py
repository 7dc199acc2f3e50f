"""`kitamae sign-in`: a new one-time link for staff."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from kitamae.commands.control import ask, connect
from kitamae.settings import Settings


async def sign_in(
    *,
    another: bool = False,
    tenant: list[str] | None = None,
    name: str = "",
    section: str = "",
    data: Path | None = None,
) -> None:
    """Print a link that signs a browser in once, for ten minutes.

    Parameters
    ----------
    another
        For a new person, not for the first one: what each does is recorded apart.
    tenant
        Whose staff the new person is; may be given several times. Unless told, that of the default tenant alone.
    name
        What the new person is called, for colleagues.
    section
        The office (課・係) of the new person.
    data
        The data directory.

    """
    settings = Settings.chosen(data=data)
    async with connect(settings) as client:
        sent = {"another": another, "tenants": tenant or [], "name": name, "section": section}
        made = await ask(client, "POST", "/control/link", sent)
    Console(highlight=False, soft_wrap=True).print(made["url"], markup=False)
