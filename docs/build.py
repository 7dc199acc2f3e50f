"""The documentation as plain HTML: `python -m docs.build build/docs`. Fails on a link that leads nowhere."""

from __future__ import annotations

import html
import re
import shutil
import sys
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent
_LINK = re.compile(r'(?<=href=")([^"#:]+)\.md(#[^"]*)?(?=")')
_ANY = re.compile(r'(?:href|src)="([^"#:]+)(?:#[^"]*)?"')
_STYLE = (
    "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.7 system-ui,sans-serif}"
    "table{display:block;overflow-x:auto}code{overflow-wrap:anywhere}pre code{overflow-wrap:normal}pre{overflow:auto;padding:1rem;background:#f2f2f2}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.3rem .6rem;vertical-align:top}img{max-width:100%}"
)


def page(source: Path) -> str:
    """One Markdown file as a page; links between files lead to pages."""
    text = source.read_text("utf-8")
    body = _LINK.sub(r"\1.html\2", MarkdownIt("commonmark").enable("table").render(text))
    title = _title(source)
    home = "../" * len(source.relative_to(ROOT).parent.parts) + "index.html"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{html.escape(title)}</title><style>{_STYLE}</style><nav><a href="{home}">Kitamae</a></nav>{body}</html>'
    )


def _title(source: Path) -> str:
    lines = source.read_text("utf-8").splitlines()
    return next((line[2:] for line in lines if line.startswith("# ")), source.stem)


def _contents(sources: list[Path]) -> str:
    """All pages by folder, under the titles that they have; a folder begins with its README, the first of all is Start."""

    def order(source: Path) -> tuple[str, bool, str]:
        folder = str(source.relative_to(ROOT).parent)
        return "" if folder == "." else folder, source.stem not in ("README", "start"), source.name

    body, folder = "<h1>Kitamae</h1>", None
    for source in sorted(sources, key=order):
        inside = source.relative_to(ROOT)
        if inside.parent != folder:
            name = inside.parent.name.capitalize() or "Begin here"
            body += f"{'</ul>' if folder is not None else ''}<h2>{html.escape(name)}</h2><ul>"
            folder = inside.parent
        body += f'<li><a href="{inside.with_suffix(".html")}">{html.escape(_title(source))}</a></li>'
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Kitamae</title><style>{_STYLE}</style>{body}</ul></html>"
    )


def build(to: Path) -> list[str]:
    """Write every page and its pictures; the links that lead nowhere."""
    shutil.rmtree(to, ignore_errors=True)
    sources = sorted(ROOT.rglob("*.md"))
    for source in sources:
        out = to / source.relative_to(ROOT).with_suffix(".html")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page(source), "utf-8")
    for picture in sorted(ROOT.rglob("*.png")):
        copy = to / picture.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, copy)
    (to / "index.html").write_text(_contents(sources), "utf-8")
    return [
        f"{made.relative_to(to)}: {link}"
        for made in sorted(to.rglob("*.html"))
        for link in _ANY.findall(made.read_text("utf-8"))
        if not (made.parent / link).exists()
    ]


def main() -> int:
    """The command."""
    broken = build(Path(sys.argv[1]))
    for link in broken:
        print(f"leads nowhere: {link}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
