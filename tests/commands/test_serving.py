"""The server as a process, and the commands that talk to it."""

from __future__ import annotations

import json
import re
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from served_city import Served, at_once, kitamae

Up = Callable[..., Served]
SHELTER = {"id": "urn:ngsi-ld:EvacuationShelter:1", "type": "EvacuationShelter"}


def shelter(number: int) -> dict[str, object]:
    value = {"type": "Property", "value": number}
    return {"id": f"urn:ngsi-ld:EvacuationShelter:{number}", "type": "EvacuationShelter", "n": value}


def test_without_open_reading_is_free_and_writing_needs_a_token(guarded: Served) -> None:
    served = guarded
    assert served.ask("GET", "/ngsi-ld/v1/entities?type=EvacuationShelter")[0] == 200
    status, _headers, body = served.ask("POST", "/ngsi-ld/v1/entities", SHELTER)
    assert status == 401
    assert json.loads(body)["type"].endswith("not-signed-in")


def test_a_token_is_shown_once_works_for_its_type_and_ends_when_it_is_revoked(guarded: Served) -> None:
    served = guarded
    made = at_once("token", "create", "gauges", "write:EvacuationShelter", "--data", served.data)
    assert made.returncode == 0
    token = made.stdout.strip()
    sent = {"Authorization": f"Bearer {token}"}
    assert served.ask("POST", "/ngsi-ld/v1/entities", SHELTER, **sent)[0] == 201
    other = {"id": "urn:ngsi-ld:PublicToilet:1", "type": "PublicToilet"}
    assert served.ask("POST", "/ngsi-ld/v1/entities", other, **sent)[0] == 403

    listed = at_once("token", "list", "--data", served.data).stdout
    assert "gauges" in listed
    assert token not in listed
    for file in served.data.glob("kitamae.db*"):
        assert token.encode() not in file.read_bytes()
    number = next(word for word in listed.split() if len(word) == 8 and word.isalnum())

    assert at_once("token", "revoke", number, "--data", served.data).returncode == 0
    assert served.ask("POST", "/ngsi-ld/v1/entities", {**SHELTER, "id": "urn:x:2"}, **sent)[0] == 401
    again = at_once("token", "revoke", number, "--data", served.data)
    assert again.returncode == 1
    assert "kitamae token list" in again.stderr


def test_a_scope_that_means_nothing_is_refused_with_an_example(guarded: Served) -> None:
    served = guarded
    for scope in ("EvacuationShelter", "burn:EvacuationShelter", "write:"):
        refused = at_once("token", "create", "x", scope, "--data", served.data)
        assert refused.returncode == 1
        assert "write:EvacuationShelter" in refused.stderr


def test_a_second_server_on_the_same_directory_is_told_who_has_it(guarded: Served) -> None:
    served = guarded
    second = at_once("up", "--data", served.data, "--port", "0")
    assert second.returncode == 1
    assert f"process {served.process.pid} ({served.address})" in second.stderr
    assert served.ask("GET", "/health")[0] == 200


def test_a_taken_port_is_named_with_a_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = at_once("up", "--data", tmp_path / "data", "--port", str(port))
    assert refused.returncode == 1
    assert f"127.0.0.1:{port} is taken" in refused.stderr
    assert "--port" in refused.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "city.example"])
def test_open_is_refused_on_any_address_but_loopback(tmp_path: Path, host: str) -> None:
    refused = at_once("up", "--open", "--host", host, "--data", tmp_path / "data")
    assert refused.returncode == 2
    assert f"refused on {host}" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_an_open_server_answers_only_this_machine(opened: Served) -> None:
    served = opened
    assert served.ask("POST", "/ngsi-ld/v1/entities", shelter(7))[0] == 201
    assert served.ask("GET", "/health", Host="city.example")[0] == 403
    elsewhere = {"Origin": "https://evil.example"}
    assert served.ask("DELETE", f"/ngsi-ld/v1/entities/{shelter(7)['id']}", **elsewhere)[0] == 403


def test_only_the_owner_may_look_into_the_directory_and_talk_to_the_socket(guarded: Served) -> None:
    mode = (guarded.data / "control.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o600
    assert guarded.data.stat().st_mode & 0o777 == 0o700


def test_control_is_not_reachable_over_the_network(opened: Served) -> None:
    served = opened
    assert served.ask("GET", "/control/status")[0] == 404
    assert served.ask("POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})[0] in (404, 405)


def test_commands_do_the_same_when_the_server_is_stopped(up: Up) -> None:
    served = up()
    assert served.stop() == 0
    assert not (served.data / "control.sock").exists()
    assert at_once("token", "create", "a", "write:*", "--data", served.data).returncode == 0
    said = at_once("status", "--data", served.data).stdout
    assert "kept for ever" in said
    assert "0 months in files" in said
    assert [line.split() for line in said.splitlines() if "health" in line] == [["health", "pass"]]
    assert ["entities", "0"] in [line.split() for line in said.splitlines()]
    again = up()
    assert " a " in at_once("token", "list", "--data", again.data).stdout


def test_a_directory_without_a_city_gets_a_sentence_and_stays_as_it_was(tmp_path: Path) -> None:
    refused = at_once("token", "list", "--data", tmp_path / "nothing")
    assert refused.returncode == 1
    assert "there is no city" in refused.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_directory_deeper_than_a_socket_name_may_be_works(up: Up, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["deep-down-here"] * 9)
    assert len(str(deep)) > 108
    served = up(data=deep)
    assert "pass" in at_once("status", "--data", served.data).stdout


def test_a_data_file_of_a_newer_version_is_refused_and_left_alone(up: Up) -> None:
    served = up()
    served.stop()
    state = served.data / "kitamae.db"
    db = apsw.Connection(str(state))
    db.execute("PRAGMA user_version = 9999")
    db.close()
    before = state.read_bytes()
    refused = at_once("up", "--data", served.data, "--port", "0")
    assert refused.returncode == 1
    assert "newer" in refused.stderr
    assert state.read_bytes() == before


def test_a_backup_under_load_holds_everything_acknowledged_before_it_began(up: Up, tmp_path: Path) -> None:
    served = up("--open")
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            if served.ask("POST", "/ngsi-ld/v1/entities", shelter(number))[0] == 201:
                acknowledged.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(acknowledged) < 50:
            pass
        before = list(acknowledged)
        made = at_once("backup", tmp_path / "city.tar.gz", "--data", served.data)
        assert made.returncode == 0, made.stderr
        assert len(acknowledged) > len(before)  # it went on meanwhile
    finally:
        stop.set()
        writer.join()

    again = at_once("backup", tmp_path / "city.tar.gz", "--data", served.data)
    assert again.returncode == 1
    assert "already there" in again.stderr

    elsewhere = tmp_path / "elsewhere"
    restored = at_once("restore", tmp_path / "city.tar.gz", "--data", elsewhere)
    assert restored.returncode == 0, restored.stderr
    other = up("--open", data=elsewhere)
    for number in before:
        assert other.ask("GET", f"/ngsi-ld/v1/entities/urn:ngsi-ld:EvacuationShelter:{number}")[0] == 200


def test_a_restore_while_it_serves_brings_back_the_old_state_and_keeps_revoked_tokens_out(
    up: Up, tmp_path: Path
) -> None:
    served = up()
    token = at_once("token", "create", "a", "write:*", "--data", served.data).stdout.strip()
    kept = at_once("token", "create", "b", "write:*", "--data", served.data).stdout.strip()
    sent = {"Authorization": f"Bearer {token}"}
    assert served.ask("POST", "/ngsi-ld/v1/entities", shelter(1), **sent)[0] == 201
    assert at_once("backup", tmp_path / "b.tar", "--data", served.data).returncode == 0

    assert served.ask("POST", "/ngsi-ld/v1/entities", shelter(2), **sent)[0] == 201
    number = next(
        line.split()[0]
        for line in at_once("token", "list", "--data", served.data).stdout.splitlines()
        if " a " in line
    )
    assert at_once("token", "revoke", number, "--data", served.data).returncode == 0

    restored = at_once("restore", tmp_path / "b.tar", "--data", served.data)
    assert restored.returncode == 0, restored.stderr
    assert served.ask("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:EvacuationShelter:1")[0] == 200
    assert served.ask("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:EvacuationShelter:2")[0] == 404
    assert served.ask("POST", "/ngsi-ld/v1/entities", shelter(3), **sent)[0] == 401
    sent = {"Authorization": f"Bearer {kept}"}
    assert served.ask("POST", "/ngsi-ld/v1/entities", shelter(3), **sent)[0] == 201
    served.kill()
    again = up()
    assert again.ask("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:EvacuationShelter:3")[0] == 200


def test_what_is_no_backup_is_refused_in_one_sentence(opened: Served, tmp_path: Path) -> None:
    (tmp_path / "toilets.csv").write_text("ID,名称\n1,公園\n")
    for file, says in ((tmp_path / "toilets.csv", "not a backup"), (tmp_path / "missing", "no file")):
        refused = at_once("restore", file, "--data", opened.data)
        assert (refused.returncode, says in refused.stderr, refused.stderr.count("\n")) == (1, True, 1)


def test_every_command_says_in_the_list_what_it_does() -> None:
    for asked, commands in (
        (("--help",), "up sign-in token backup restore status migrate import replay check"),
        (("token",), "create list revoke"),
    ):
        said = at_once(*asked).stdout
        for name in commands.split():
            assert re.search(rf"^│ {name} +[A-Z]\w+ .*│$", said, re.MULTILINE), name


def test_a_long_scope_is_listed_whole(opened: Served) -> None:
    at_once("token", "create", "long", "write:EvacuationShelter", "write:RiverGauge", "--data", opened.data)
    listed = kitamae("token", "list", "--data", opened.data, COLUMNS="80").stdout
    assert re.search(r"long +service +write:EvacuationShelter write:RiverGauge ", listed)


def test_a_damaged_backup_changes_nothing_and_the_server_goes_on(opened: Served, tmp_path: Path) -> None:
    served = opened
    assert served.ask("POST", "/ngsi-ld/v1/entities", SHELTER)[0] == 201
    assert at_once("backup", tmp_path / "b.tar", "--data", served.data).returncode == 0
    content = bytearray((tmp_path / "b.tar").read_bytes())
    content[len(content) // 3] ^= 0xFF
    (tmp_path / "b.tar").write_bytes(content)
    refused = at_once("restore", tmp_path / "b.tar", "--data", served.data)
    assert refused.returncode == 1
    assert "damaged" in refused.stderr
    assert served.ask("GET", f"/ngsi-ld/v1/entities/{SHELTER['id']}")[0] == 200


def test_an_upgraded_directory_goes_back_and_forth(up: Up) -> None:
    served = up("--open")
    assert served.ask("POST", "/ngsi-ld/v1/entities", SHELTER)[0] == 201
    busy = at_once("upgrade", "--data", served.data)
    assert busy.returncode == 1
    assert f"process {served.process.pid}" in busy.stderr
    served.stop()
    assert at_once("upgrade", "--to", "99", "--data", served.data).returncode == 1
    done = at_once("upgrade", "--data", served.data)
    assert done.returncode == 0
    assert "version" in done.stdout
    empty = at_once("upgrade", "--to", "0", "--data", served.data)
    assert (empty.returncode, "from 1" in empty.stderr) == (1, True)
    back = at_once("upgrade", "--to", "1", "--data", served.data)
    assert (back.returncode, "-> 1" in back.stdout) == (0, True)
    (before,) = served.data.glob("kitamae.v*.db")
    assert before.name in back.stdout
    again = up("--open")
    assert again.ask("GET", f"/ngsi-ld/v1/entities/{SHELTER['id']}")[0] == 200
