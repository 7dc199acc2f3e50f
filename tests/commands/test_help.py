"""Help, as a town hall's engineer reads it; in processes of its own, since a command is taught one language."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def told(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from kitamae.cli import main; main()", *arguments],
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "200", **environment},
        capture_output=True, check=True, encoding="utf-8",
    )  # fmt: skip
    return done.stdout


def test_help_is_in_the_language_of_the_terminal() -> None:
    japanese = told("--help", LANG="ja_JP.UTF-8")
    assert "小さなまちのための OS" in japanese
    assert "まちを公開します" in japanese
    assert "この説明を表示して終わります。" in japanese
    assert "Serve a city" in told("--help", LANG="C.UTF-8")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["up"], "待ち受けるポート。0 なら空いているものを使います。"),
        (["token", "create"], "有効な日数。"),
        (["import"], "列の名前から見分けないときの、ファイルの様式"),
    ],
)
def test_each_parameter_is_told_in_japanese(command: list[str], said: str) -> None:
    text = told("--lang", "ja", *command, "--help")
    assert said in "".join(text.replace("│", "").split("\n"))
    assert "The data directory" not in text
