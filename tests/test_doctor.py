"""`kitamae doctor` names what is misconfigured, and is silent about what is in order."""

from __future__ import annotations

import datetime as dt
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kitamae import opened
from kitamae.cli import main
from kitamae.doctor import ALL, reach
from kitamae.kernel.context import clock
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.steps import ACCOUNT
from serving import Served, serving

KAGA = Path(__file__).resolve().parents[1] / "cities" / "kaga"
DAY = 86_400_000_000


async def ids(served: Served) -> dict[str, str]:
    """Finding -> its level; each is one that is declared, and its texts can be filled."""
    found = await served.kitamae.examine()
    for one in found:
        kind = ALL[one["id"]]
        for text in (kind.what, kind.why, kind.do):
            text.format(**one["values"])
    order = [one["level"] for one in found]
    assert order == sorted(order, key=("bad", "warn", "note").index)
    return {one["id"]: one["level"] for one in found}


async def test_a_city_that_was_just_begun_hears_what_is_missing(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await served.loaded()
        await served.kitamae.sign_in_link()
        found = await ids(served)
    assert {
        "no-backup": "bad",
        "plain-backup": "warn",
        "no-public-url": "warn",
        "no-witness": "warn",
    }.items() <= found.items()
    assert {
        "no-mail": "note",
        "no-residents": "note",
        "no-retention": "note",
        "staff-without-passkey": "warn",
    }.items() <= found.items()
    assert (
        not {"no-tls", "open", "demo-residents", "readable-by-others", "vault-closed", "health", "no-papers"}
        & found.keys()
    )


async def test_what_was_done_is_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = str(pyrage.x25519.Identity.generate().to_public())
    mail = {"mail": "smtp://127.0.0.1", "mail_from": "a@example.jp"}
    async with serving(tmp_path / "data", city=KAGA, backup_to=to, **mail) as served:
        await served.kitamae.backup(tmp_path / "city.tar", tmp_path / "keys")
        await served.kitamae.put_away("ledger.key")
        key = (await served.kitamae.city.vault.status())["city key"]
        await served.kitamae.shared("shares", count=5, threshold=3, key=key)
        found = await ids(served)
        done = {
            "no-backup",
            "old-backup",
            "plain-backup",
            "no-copy-of-seal",
            "no-copy-of-ledger-key",
            "no-mail",
            "no-shares",
        }
        assert not done & found.keys()
        later = clock.now() + 500 * DAY
        monkeypatch.setattr("kitamae.doctor.examination.clock.now", lambda: later)
        found = await ids(served)
        assert (found["old-backup"], found["shares-not-rehearsed"]) == ("bad", "note")
        await served.kitamae.shared("shares", count=3, threshold=3, key=key)
        (tmp_path / "data" / "ledger.key").write_text("another one")
        (tmp_path / "data" / "ledger.key").chmod(0o644)
        found = await ids(served)
        assert {"no-share-to-spare", "no-copy-of-ledger-key", "readable-by-others"} <= found.keys()


async def test_what_is_only_for_demonstrations_and_plain_http_outside_are_named(tmp_path: Path) -> None:
    async with serving(tmp_path / "a", public_url="http://city.example.jp", demo_residents=True) as served:
        found = await ids(served)
        assert (found["no-tls"], found["demo-residents"], found["no-city"]) == ("bad", "bad", "note")
    async with serving(tmp_path / "b", open=True) as served:
        assert (await ids(served))["open"] == "bad"
    for name, more in (("c", {}), ("d", {"public_url": "http://127.0.0.1:8000"})):
        async with serving(tmp_path / name, host="0.0.0.0", **more) as served:  # what it should find
            assert (await ids(served))["no-tls"] == "bad"


async def test_a_service_whose_assessment_does_not_hold_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        monkeypatch.setattr(served.kitamae.city.registers.papers, "missing", lambda: frozenset({"rivers"}))
        [one] = [one for one in await served.kitamae.examine() if one["id"] == "no-papers"]
        assert (one["level"], one["values"]) == ("bad", {"services": "rivers"})


async def test_a_vault_that_is_closed_is_named_with_its_reason(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA):
        pass
    (tmp_path / "data" / "city.key").unlink()
    async with serving(tmp_path / "data", city=KAGA) as served:
        [one] = [one for one in await served.kitamae.examine() if one["id"] == "vault-closed"]
        assert "put it back" in one["values"]["why"]


def test_a_stopped_directory_is_examined_in_words_and_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--data", str(tmp_path / "data"), *more])
        return int(str(ended.value.code)), capsys.readouterr().out

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kitamae.db").touch()
    code, text = told("--lang", "ja")
    assert code == 1
    assert "[!!] まちのバックアップが、まだ一度も取られていません。" in text
    assert "することが" in text
    code, text = told("--lang", "en", "--json")
    found: list[dict[str, Any]] = orjson.loads(text)
    assert code == 1
    assert {"id", "level", "what", "why", "do", "values"} == found[0].keys()
    assert "No backup of the city was ever taken." in [one["what"] for one in found]
    with pytest.raises(SystemExit):
        main(["doctor", "--data", str(tmp_path / "data"), "--copied", "city.key"])
    assert "expected seal.key or ledger.key" in capsys.readouterr().err


@pytest.fixture
def served_certificate(tmp_path: Path) -> Iterator[Any]:
    """`start(days)` -> (port, file of the authority): something that shows a certificate for localhost."""
    listening = socket.create_server(("127.0.0.1", 0))

    def start(days: int) -> tuple[int, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - dt.timedelta(days=100)).not_valid_after(now + dt.timedelta(days=days, hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        both = tmp_path / "both.pem"
        shown = made.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        both.write_bytes(private + shown)
        (tmp_path / "authority.pem").write_bytes(shown)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)

        def answer() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                    context.wrap_socket(plain, server_side=True).close()
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return listening.getsockname()[1], tmp_path / "authority.pem"

    yield start
    listening.close()


@pytest.mark.parametrize(
    ("days", "id", "level"),
    [
        (90, None, None),
        (20, "certificate-ends", "warn"),
        (3, "certificate-ends", "bad"),
        (-2, "certificate-refused", "bad"),
    ],
)
async def test_a_certificate_that_ends_soon_or_has_ended_is_named(
    served_certificate: Any, monkeypatch: pytest.MonkeyPatch, days: int, id: str | None, level: str | None
) -> None:
    port, authority = served_certificate(days)
    usual = ssl.create_default_context
    monkeypatch.setattr(reach.ssl, "create_default_context", lambda: usual(cafile=str(authority)))
    found = [one async for one in reach._certificate(f"https://localhost:{port}", "localhost", port)]
    assert [(one["id"], one["level"]) for one in found] == ([(id, level)] if id else [])


async def test_a_certificate_of_nobody_known_and_an_address_where_nobody_answers_are_named(
    served_certificate: Any,
) -> None:
    port, _ = served_certificate(90)
    [one] = [one async for one in reach._certificate(f"https://localhost:{port}", "localhost", port)]
    assert one["id"] == "certificate-refused"
    [one] = [one async for one in reach._certificate("https://localhost:1", "localhost", 1)]
    assert one["id"] == "address-not-reached"


async def test_every_check_of_health_is_explained_where_the_doctor_sends_people(tmp_path: Path) -> None:
    told = (KAGA.parents[1] / "docs" / "operate" / "watching.md").read_text("utf-8")
    source = Path(opened.__file__).read_text("utf-8")
    named = re.findall(r'health\.also\[f?"([a-z:{}]+)"\]', source)
    known = {one.replace("jobs:{name}", "jobs:<service>") for one in named}
    assert len(known) > 5
    async with serving(tmp_path / "data", city=KAGA) as served:
        _, health = await served.kitamae.city.health.ready()
        assert known >= {_explained(one) for one in served.kitamae.city.health.also}
    for check in known | {_explained(one) for one in health["checks"]}:
        assert f"| `{check}` |" in told, check


def _explained(check: str) -> str:
    """Under which name: what services do is explained once for all of them."""
    return re.sub(r"^jobs:.*", "jobs:<service>", check)


async def test_staff_who_left_need_no_passkey(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        city = served.kitamae.city
        await served.kitamae.sign_in_link()
        people = [ref for ref, _ in await city.ways.office.members()]

        async def leave(tx: Any) -> None:
            for ref in people:
                step = {
                    "person": ref, "duty": ACCOUNT, "gives": False, "tenants": [], "until": None, "transfer": "",
                    "at": "2026-01-01T00:00:00Z", "decided": "2026-01-01T00:00:00Z", "by": "x", "second": "",
                }  # fmt: skip
                await tx.put("", steps.KIND, ref, {"steps": [step]})

        assert "staff-without-passkey" in await ids(served)
        await city.store.transact(leave)
        assert "staff-without-passkey" not in await ids(served)
