"""A witness cosigns what continues what it has seen, and nothing else; asking it delays nobody."""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_cities import ORIGIN, append, everything, opened
from small_logs import mth, node

from kitamae.kernel.ledger import cosignature, merkle
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.ledger.checkpoint import opened as opened_checkpoint
from kitamae.kernel.ledger.note import COSIGNATURE_V1, Note, Signer, signatures
from kitamae.kernel.ledger.policy import Policy
from kitamae.kernel.ledger.refusals import Malformed, NotSigned
from kitamae.kernel.ledger.witness import Answer, Asked, Witness
from kitamae.kernel.ledger.witnesses import Witnesses

LOG = Signer.generate(ORIGIN)
SIGNER = Signer.generate("neighbour.example/witness", COSIGNATURE_V1)
LEAVES = [b"%d" % n for n in range(40)]
FORKED = [*LEAVES[:3], b"rewritten", *LEAVES[4:]]


def witness(root: Path, signer: Signer = SIGNER) -> Witness:
    return Witness(signer, [LOG.key], root / "logs", lambda: 1_000.0)


def request(old: int, size: int, leaves: list[bytes] = LEAVES, signer: Signer = LOG, **more: Any) -> bytes:
    head = Checkpoint(more.get("origin", ORIGIN), size, more.get("root") or mth(leaves[:size]))
    proof = more.get("proof")
    if proof is None:
        proof = merkle.consistency(node(leaves[:size]), old, size) if old <= size else []
    return Asked(old, tuple(proof), head.signed([signer]).data).body


def status(answer: Answer) -> int:
    return answer.status


def test_a_log_that_grows_is_cosigned_every_time(tmp_path: Path) -> None:
    one = witness(tmp_path)
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 40)):
        answer = one.add_checkpoint(request(old, size))
        assert answer.status == 200
        text = Checkpoint(ORIGIN, size, mth(LEAVES[:size])).text
        (line,) = signatures(answer.body)
        (seen,) = cosignature.cosigned(Note(text, (line,)), [SIGNER.key])
        assert seen.at == 1_000
        shown = one.shown(sha256(ORIGIN.encode()).hexdigest())
        head, note = opened_checkpoint(shown.body, [LOG.key], ORIGIN)
        assert head.size == size
        assert len(note.signed_by([LOG.key, SIGNER.key])) == 2


def test_a_fork_is_refused_and_what_was_seen_stays(tmp_path: Path) -> None:
    one = witness(tmp_path)
    assert one.add_checkpoint(request(0, 8)).status == 200
    assert one.add_checkpoint(request(8, 20, FORKED)).status == 422
    assert one.add_checkpoint(request(8, 8, FORKED)).status == 422
    assert one.add_checkpoint(request(8, 20)).status == 200


def test_a_log_that_became_shorter_is_told_how_long_it_was(tmp_path: Path) -> None:
    one = witness(tmp_path)
    assert one.add_checkpoint(request(0, 20)).status == 200
    assert one.add_checkpoint(request(20, 8, proof=[])).status == 400
    for old, size in ((0, 8), (8, 8), (8, 30)):
        answer = one.add_checkpoint(request(old, size))
        assert (answer.status, answer.body, answer.type) == (409, b"20\n", "text/x.tlog.size")


def test_what_it_has_seen_survives_its_end(tmp_path: Path) -> None:
    assert witness(tmp_path).add_checkpoint(request(0, 20)).status == 200
    again = witness(tmp_path)
    assert again.add_checkpoint(request(0, 8)).status == 409
    assert again.add_checkpoint(request(20, 30)).status == 200


def test_an_unknown_log_is_404_and_a_signature_that_is_not_the_logs_403(tmp_path: Path) -> None:
    one = witness(tmp_path)
    assert one.add_checkpoint(request(0, 3, origin="other.example/log")).status == 404
    assert one.add_checkpoint(request(0, 3, signer=Signer.generate(ORIGIN))).status == 403
    wrong = request(0, 3).replace(b"\n3\n", b"\n4\n")
    assert one.add_checkpoint(wrong).status == 403
    assert one.shown(sha256(ORIGIN.encode()).hexdigest()).status == 404
    assert one.shown("..").status == 404


def test_a_wrong_or_superfluous_proof_is_422(tmp_path: Path) -> None:
    one = witness(tmp_path)
    assert one.add_checkpoint(request(0, 3, proof=[bytes(32)])).status == 422
    assert one.add_checkpoint(request(0, 0, root=bytes(32))).status == 422
    assert one.add_checkpoint(request(0, 0)).status == 200
    assert one.add_checkpoint(request(0, 8)).status == 200
    for proof in ([], [bytes(32)], [bytes(32)] * 4):
        assert one.add_checkpoint(request(8, 20, proof=proof)).status == 422


@pytest.mark.parametrize(
    "body",
    [b"", b"old 0\n", b"old 00\n\n", b"old -1\n\n", b"new 0\n\n", b"old 0\n!\n\n", b"old 0\n" + b"A" * 44 + b"\n\n",
     b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n", b"x" * 200_000, b"\xff\n\n"],
)  # fmt: skip
def test_what_is_no_request_is_400(tmp_path: Path, body: bytes) -> None:
    head = Checkpoint(ORIGIN, 3, mth(LEAVES[:3])).signed([LOG]).data
    assert witness(tmp_path).add_checkpoint(body + head).status == 400
    assert witness(tmp_path).add_checkpoint(body).status == 400


@given(st.binary(max_size=100), st.integers(0, 400), st.integers(0, 20))
def test_whatever_is_sent_nothing_is_cosigned_that_the_log_has_not_signed(
    junk: bytes, at: int, cut: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as root:
        sent = request(0, 8)
        changed = sent[: at % len(sent)] + junk + sent[at % len(sent) + cut :]
        answer = witness(Path(root)).add_checkpoint(changed)
        assert answer.status in (200, 400, 403, 404, 409, 422)
        if answer.status == 200:
            head = Checkpoint(ORIGIN, 8, mth(LEAVES[:8]))
            cosignature.cosigned(Note(head.text, tuple(signatures(answer.body))), [SIGNER.key])


def test_a_witnesss_own_state_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    assert witness(tmp_path).add_checkpoint(request(0, 20)).status == 200
    (file,) = (tmp_path / "logs").iterdir()
    file.write_bytes(file.read_bytes().replace(b"\n20\n", b"\n19\n"))
    with pytest.raises(NotSigned):
        witness(tmp_path)
    with pytest.raises(Malformed, match="not a witness"):
        witness(tmp_path, LOG)


# --- the other side
def asked(log: Any, *named: tuple[Signer, str]) -> Witnesses:
    lines = [f"witness w{n} {signer.key.vkey} {url}" for n, (signer, url) in enumerate(named)]
    return Witnesses(log, Policy.parse("\n".join([*lines, "quorum none"])))


async def test_a_citys_log_gets_its_cosignatures_and_shows_them(tmp_path: Path) -> None:
    async with opened(tmp_path / "city") as (store, log):
        others = [SIGNER, Signer.generate("third.example/w", COSIGNATURE_V1)]
        served = [Witness(one, log.keys, tmp_path / str(n)) for n, one in enumerate(others)]

        async def serve(request: httpx2.Request) -> httpx2.Response:
            answer = served[int(request.url.host[1:2])].add_checkpoint(request.content)
            return httpx2.Response(answer.status, content=answer.body)

        witnesses = asked(log, *((one, f"http://w{n}.example/") for n, one in enumerate(others)))
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(serve))
        keys = [one.key for one in others]
        for size in (3, 300, 1_000):
            await append(store, [b"%d" % n for n in range(size - log.head.checkpoint.size)])
            await everything(store, log)
            assert await witnesses.round(client) == 2
            assert await witnesses.round(client) == 0
            assert log.witnessed.checkpoint.size == size
            assert {name: at[0] for name, at in log.seen_by(keys).items()} == {one.name: size for one in keys}
            proof = await log.proof(2)
            proof.verify(await log.entry(2), log.keys, origin=ORIGIN, witnesses=keys, quorum=2)
        root = log.folder.root
    assert len(Note.parse((root / "witnessed").read_bytes()).signatures) == 3
    async with opened(tmp_path / "city") as (_, log):
        assert len(log.seen_by(keys)) == 2


async def test_a_dead_a_slow_a_lying_and_a_forked_witness_delay_nobody(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("kitamae.kernel.ledger.witnesses.PATIENCE", 0.2)
    async with opened(tmp_path / "city") as (store, log):
        names = ["good", "dead", "slow", "liar", "huge", "ahead"]
        signers = [Signer.generate(f"{name}.example/w", COSIGNATURE_V1) for name in names]
        good = Witness(signers[0], log.keys, tmp_path / "good")

        async def serve(request: httpx2.Request) -> httpx2.Response:
            match request.url.host.partition(".")[0]:
                case "dead":
                    raise httpx2.ConnectError("refused")
                case "slow":
                    await asyncio.sleep(30)
                case "liar":
                    return httpx2.Response(200, content=SIGNER.sign("something else\n", 5).line.encode())
                case "huge":
                    return httpx2.Response(200, content=b"x" * 1_000_000)
                case "ahead":
                    return httpx2.Response(409, content=b"1000000\n")
            answer = good.add_checkpoint(request.content)
            return httpx2.Response(answer.status, content=answer.body)

        named = [(one, f"http://{name}.example") for one, name in zip(signers, names, strict=True)]
        witnesses = asked(log, *named)
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(serve))
        await append(store, [b"a"])
        asking = asyncio.create_task(witnesses.round(client))
        assert await everything(store, log) == [b"a"]
        await asking
        assert list(log.seen_by([one.key for one in signers])) == ["good.example/w"]
        assert "ahead" not in witnesses.trouble() or "shorter" in witnesses.trouble()
        assert {one.name for one in witnesses.asking if one.trouble} == {"w1", "w2", "w3", "w4", "w5"}
        assert "shorter than it was" in witnesses.asking[5].trouble


async def test_nothing_is_signed_while_somebody_has_seen_more_of_the_log(tmp_path: Path) -> None:
    known = {"more": 9, "dead": 0}

    async def serve(request: httpx2.Request) -> httpx2.Response:
        if request.url.host.startswith("dead"):
            raise httpx2.ConnectError("refused")
        return httpx2.Response(409, content=f"{known['more']}\n".encode())

    async with opened(tmp_path / "city") as (store, log):
        signers = [Signer.generate(f"{name}.example/w", COSIGNATURE_V1) for name in known]
        witnesses = asked(
            log, *((one, f"http://{name}.example") for one, name in zip(signers, known, strict=True))
        )
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(serve))

        async def first() -> None:
            await witnesses.round(client)

        before = log.served()
        await append(store, [b"a", b"b"])
        running = asyncio.create_task(log.run(first))
        async with asyncio.timeout(10):
            while not log.trouble:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        assert "has seen 9 entries" in log.trouble
        assert log.served() == before
        running.cancel()
    async with opened(tmp_path / "city") as (store, log):
        assert await everything(store, log) == [b"a", b"b"], (
            "what was not signed is in the store, and is signed when nobody has seen more"
        )


# --- policies
POLICY = f"""# who is known
log {LOG.key.vkey} https://city.example/ledger
witness a {SIGNER.key.vkey} https://a.example
witness b {Signer.generate("b", COSIGNATURE_V1).key.vkey}
witness c {Signer.generate("c", COSIGNATURE_V1).key.vkey}
group two 2 a b c
group all-of all two a
quorum all-of
"""


def test_a_quorum_is_met_by_who_it_names() -> None:
    policy = Policy.parse(POLICY)
    a, b, c = policy.keys
    assert policy.logs[0].url == "https://city.example/ledger"
    assert [policy.met(some) for some in ([], [a], [b, c], [a, b], [a, b, c])] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert Policy.parse("quorum none").met([])


@pytest.mark.parametrize(
    "text",
    ["", "quorum x", "quorum none\nquorum none", "log\nquorum none", f"log {SIGNER.key.vkey}\nquorum none",
     f"witness a {LOG.key.vkey}\nquorum a", f"witness none {SIGNER.key.vkey}\nquorum none",
     f"witness a {SIGNER.key.vkey}\nwitness b {SIGNER.key.vkey}\nquorum a",
     f"witness a {SIGNER.key.vkey}\ngroup g 2 a\nquorum g", f"witness a {SIGNER.key.vkey}\ngroup g any a a\nquorum g",
     "group g any a\nquorum g", "surprise\nquorum none"],
    ids=lambda text: re.sub(r"\+\S+", "+a key", text),  # which is another each time
)  # fmt: skip
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Policy.parse(text)
