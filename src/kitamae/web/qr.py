"""An address as a QR code (ISO/IEC 18004), drawn as SVG on the server: for signs, letters and links on paper.

It scales with its box and stays black on white in a dark page too: a camera needs the contrast and the quiet zone of four modules.
"""

from __future__ import annotations

import segno
from markupsafe import Markup, escape

LONGEST = 1_000
"""Characters. A longer text makes a code that a phone does not read from a printed sheet."""


def svg(text: str, label: str) -> Markup:
    """An inline `<svg>` without a size of its own. `label`: what a screen reader says instead. Raises ValueError."""
    if not 0 < len(text) <= LONGEST:
        raise ValueError(f"a QR code here holds 1 to {LONGEST} characters, not {len(text)}")
    code = segno.make(text, error="m", micro=False)
    side = code.symbol_size(border=4)[0]
    path = "".join(
        f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark
    )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-label="{label}" viewBox="0 0 {side} {side}"'
        ' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>'
    ).format(label=escape(label), side=side, path=path)
