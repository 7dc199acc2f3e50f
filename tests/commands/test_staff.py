"""An operator without a browser gives and takes duties; the city says that one alone did it."""

from __future__ import annotations

from pathlib import Path

from served_city import at_once

from kitamae.directory.layout import Layout


def test_an_operator_gives_a_duty_sees_it_and_takes_it_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    Layout(data).state.touch()  # a city that was never served

    def run(*arguments: str) -> str:
        done = at_once("--lang", "en", *arguments, "--data", data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("sign-in")
    (line,) = run("staff", "list").splitlines()
    ref = line.split()[0]
    assert "first account" in line
    assert "privacy-officer" in run("staff", "duties")
    run("staff", "give", ref, "privacy-officer", "--because", "the officer is on leave")
    assert f"{ref}  privacy-officer" in run("staff", "list")
    assert "the officer is on leave (by one alone)" in run("staff", "changes")
    run("staff", "take", ref, "account", "--because", "retired")
    assert f"{ref}  has left" in run("staff", "list")
    for wrong, says in (
        (("staff", "give", ref, "king", "--because", "x"), "there is no duty"),
        (("staff", "give", "staff-0", "counter", "--because", "x"), "there is no member of staff"),
        (("staff", "give", ref, "counter", "--because", " "), "title: expected 1 to 200"),
    ):
        refused = at_once("--lang", "en", *wrong, "--data", data)
        assert (refused.returncode, says in refused.stderr) == (1, True), refused.stderr
