"""The `kitamae` command."""

from __future__ import annotations

from cyclopts import App

from kitamae import __version__

app = App(name="kitamae", version=__version__, help="The operating system of a small city.")


def main() -> None:
    """Run it."""
    app()
