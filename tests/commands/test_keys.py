"""`kitamae keys`: shares that make the key again, a rehearsal that touches nothing, rotation."""

from __future__ import annotations

from pathlib import Path

from served_city import at_once

from kitamae.directory.layout import Layout

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


def test_any_three_of_five_shares_make_the_key_again_and_a_rehearsal_writes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    layout = Layout(data)
    assert at_once("sign-in", "--data", data).returncode == 1  # there is no city yet
    data.mkdir()
    layout.state.touch()
    status = at_once("keys", "status", "--data", data)
    assert status.returncode == 0, status.stderr
    assert "まちの鍵が、データと同じ場所にあります" in status.stdout
    made = at_once("keys", "split", "--to", tmp_path / "shares", "--data", data)
    assert made.returncode == 0, made.stderr
    shares = sorted((tmp_path / "shares").iterdir())
    assert [len(one.read_text().split()) for one in shares] == [33] * 5
    assert {one.stat().st_mode & 0o777 for one in shares} == {0o600}

    before = layout.city_key.read_bytes()
    rehearsed = at_once("keys", "rehearse", *shares[1:4], "--data", data)
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert "訓練成功" in rehearsed.stdout
    assert layout.city_key.read_bytes() == before

    for wrong in (shares[:2], [shares[0]] * 3, [tmp_path / "nowhere"]):
        refused = at_once("keys", "rehearse", *wrong, "--data", data)
        assert (refused.returncode, refused.stdout) == (1, "")
    assert at_once("keys", "combine", *shares[2:], "--to", tmp_path / "again").returncode == 0
    assert (tmp_path / "again").read_text() == layout.city_key.read_text()
    refused = at_once("keys", "combine", *shares[2:], "--to", layout.city_key)
    assert "never written over" in refused.stderr

    rotated = at_once("keys", "rotate", "--city", "--data", data)
    assert rotated.returncode == 0, rotated.stderr
    refused = at_once("keys", "rehearse", *shares[:3], "--data", data)
    assert "before a rotation" in refused.stderr
    again = at_once("keys", "split", "--to", tmp_path / "shares", "--data", data)
    assert "there already" in again.stderr
    assert (
        at_once("keys", "split", "--threshold", "1", "--to", tmp_path / "x", "--data", data).returncode == 1
    )


def test_keys_are_backed_up_into_a_file_that_is_never_written_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    Layout(data).state.touch()
    assert at_once("keys", "backup", tmp_path / "keys", "--data", data).returncode == 0
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert "replaces nothing" in at_once("keys", "backup", tmp_path / "keys", "--data", data).stderr
