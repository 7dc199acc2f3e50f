from __future__ import annotations

import re

import pytest
import segno

from kitamae.web import qr


def test_the_drawing_has_the_modules_of_the_code_and_a_quiet_zone_of_four() -> None:
    drawn = str(qr.svg("https://kaga.example/l/ABC", "リンク"))
    code = segno.make("https://kaga.example/l/ABC", error="m", micro=False)
    dark = {(x + 4, y + 4) for y, row in enumerate(code.matrix) for x, one in enumerate(row) if one}
    assert {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn)} == dark
    side = code.symbol_size(border=4)[0]
    assert f'viewBox="0 0 {side} {side}"' in drawn


def test_what_a_screen_reader_says_is_a_text_and_never_markup() -> None:
    assert 'aria-label="&lt;b&gt; &#34;"' in qr.svg("x", '<b> "')


@pytest.mark.parametrize("text", ["", "x" * 1001])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        qr.svg(text, "x")
