"""Signed notes, checkpoints, cosignatures, proofs and commitments, with the examples of the specifications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_logs import mth, node

from kitamae.kernel.ledger import checkpoint, commitment, cosignature, merkle, note
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.ledger.note import COSIGNATURE_V1, Key, Note, Signer
from kitamae.kernel.ledger.proof import Proof
from kitamae.kernel.ledger.refusals import Malformed, NotProved, NotSigned

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
LOG = Signer.generate("city.example/ledger")
WITNESS = Signer.generate("neighbour.example/witness", COSIGNATURE_V1)
ORIGIN = LOG.key.name


def test_the_specifications_example_is_believed_with_the_specifications_key() -> None:
    key = Key.parse(VKEY)
    assert key.vkey == VKEY
    found = Note.parse(EXAMPLE)
    assert found.data == EXAMPLE
    assert [one for one, _ in found.signed_by([key])] == [key]


def test_a_changed_text_is_believed_in_nothing() -> None:
    with pytest.raises(NotSigned):
        Note.parse(EXAMPLE.replace(b"This", b"That")).signed_by([Key.parse(VKEY)])


def test_signatures_of_unknown_keys_are_not_looked_at_whether_their_name_or_their_id_is_known() -> None:
    key = Key.parse(VKEY)
    renamed = EXAMPLE.replace(b"example.com/foo", b"example.com/bar")
    assert Note.parse(renamed).signed_by([key]) == []
    assert Note.parse(EXAMPLE).signed_by([LOG.key]) == []


def test_a_secret_key_is_read_back_from_its_file() -> None:
    for signer in (LOG, WITNESS):
        again = Signer.parse(signer.text)
        assert again.key == signer.key
        Note("text\n", (again.sign("text\n", 7),)).signed_by([signer.key])


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"text\n", b"text\n\n", "text\n\n— a".encode(), "text\n\n— a \n".encode(), "text\n\n— a AAAA\n".encode(),
     "text\n\n— a b AAAAAAAA\n".encode(), b"text\n\n- a AAAAAAAA\n", "te\rxt\n\n— a AAAAAAAA\n".encode(), b"\xff\n\n",
     "text\n\n— a+b AAAAAAAA\n".encode(), "text\n\n— a AAAAAAA\n".encode(), "text\n\n— a AAAAAAB=\n".encode(),
     "\n\n— a AAAAAAAA\n".encode(), "text\n\n— a AAAAAAAA\n\n".encode(), EXAMPLE + b"x"],
)  # fmt: skip
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Note.parse(data)


def test_more_signatures_or_bytes_than_anybody_needs_are_refused() -> None:
    line = LOG.sign("text\n").line.encode()
    assert len(Note.parse(b"text\n\n" + line * 16).signatures) == 16
    with pytest.raises(Malformed):
        Note.parse(b"text\n\n" + line * (note.MOST_SIGNATURES + 1))
    with pytest.raises(Malformed):
        Note.parse(b"t" * note.MOST_BYTES + b"\n\n" + line)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_refused(data: bytes) -> None:
    try:
        found = Note.parse(data)
    except Malformed:
        return
    assert found.data == data


@pytest.mark.parametrize(
    "vkey",
    ["", "a", "a+b", VKEY[:-1], VKEY.replace("530d", "530e"), "a b+00000000+AAAA", VKEY.replace("+Aeky", "+Beky"),
     "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"],
)  # fmt: skip
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        Key.parse(vkey)


# --- checkpoints
def test_a_checkpoint_is_read_back() -> None:
    head = Checkpoint(ORIGIN, 20_852_163, bytes(range(32)), ("more",))
    assert Checkpoint.parse(head.text) == head
    assert checkpoint.opened(head.signed([LOG]).data, [LOG.key], ORIGIN)[0] == head


@pytest.mark.parametrize(
    "text",
    ["", "o\n", "o\n1\n", "o\n01\nA\n", "o\n-1\nA\n", "o\n1\nAAAA\n", "o\n1\n" + "A" * 43 + "=", "\n1\n" + "A" * 43 + "=\n",
     "o\n9999999999999999999\n" + "A" * 43 + "=\n", "o\n9223372036854775808\n" + "A" * 43 + "=\n",
     "o\n١\n" + "A" * 43 + "=\n", "o\n1\n" + "A" * 42 + "B=\n", "o\n1\n" + "A" * 43 + "=\n\nx\n"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


# --- cosignatures
def test_a_cosignature_says_when_it_was_made_and_is_of_this_checkpoint_at_this_time_only() -> None:
    text = Checkpoint(ORIGIN, 0, merkle.EMPTY).text
    signed = Note(text, (LOG.sign(text), WITNESS.sign(text, 1_679_315_147)))
    (found,) = cosignature.cosigned(signed, [WITNESS.key])
    assert (found.witness, found.at) == (WITNESS.key, 1_679_315_147)
    with pytest.raises(NotSigned):
        cosignature.cosigned(signed, [WITNESS.key], now=1_679_315_146)
    one = signed.signatures[1]
    later = note.Signature(one.name, one.key, (1).to_bytes(8, "big") + one.data[8:])
    with pytest.raises(NotSigned):
        cosignature.cosigned(Note(text, (later,)), [WITNESS.key])


def test_a_logs_key_is_no_witnesss() -> None:
    text = Checkpoint(ORIGIN, 0, merkle.EMPTY).text
    with pytest.raises(Malformed):
        cosignature.cosigned(Note(text, (LOG.sign(text),)), [LOG.key])


# --- proofs
LEAVES = [b"%d" % n for n in range(7)]
HEAD = Checkpoint(ORIGIN, 7, mth(LEAVES))
SIGNED = Note(HEAD.text, (LOG.sign(HEAD.text), WITNESS.sign(HEAD.text, 5)))


def proof_of(index: int) -> Proof:
    return Proof(index, tuple(merkle.inclusion(node(LEAVES), index, 7)), SIGNED.data)


def test_a_proof_is_verified_from_its_file_alone() -> None:
    for index, leaf in enumerate(LEAVES):
        read = Proof.parse(proof_of(index).data)
        head, seen = read.verify(leaf, [LOG.key], origin=ORIGIN, witnesses=[WITNESS.key], quorum=1)
        assert head == HEAD
        assert [one.at for one in seen] == [5]


def test_a_proof_of_something_else_is_none() -> None:
    read = proof_of(3)
    with pytest.raises(NotProved):
        read.verify(LEAVES[4], [LOG.key])
    with pytest.raises(NotProved):
        Proof(4, read.path, read.signed).verify(LEAVES[3], [LOG.key])
    with pytest.raises(NotSigned):
        read.verify(LEAVES[3], [Signer.generate(ORIGIN).key])
    with pytest.raises(NotSigned, match="asked for"):
        read.verify(LEAVES[3], [LOG.key], witnesses=[WITNESS.key], quorum=2)
    with pytest.raises(NotSigned):
        read.verify(LEAVES[3], [LOG.key], origin="another.example/log")


@given(st.binary(max_size=40) | st.none(), st.integers(0, 6))
def test_a_proof_is_read_back(extra: bytes | None, index: int) -> None:
    proof = Proof(index, proof_of(index).path, SIGNED.data, extra)
    assert Proof.parse(proof.data) == proof


@given(st.integers(0, len(proof_of(3).data) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_proof_goes_unnoticed_before_the_signatures(at: int, change: int) -> None:
    data = bytearray(proof_of(3).data)
    data[at] ^= change
    try:
        head, _ = Proof.parse(bytes(data)).verify(
            LEAVES[3], [LOG.key], origin=ORIGIN, witnesses=[WITNESS.key]
        )
    except (Malformed, NotProved):
        return
    assert head == HEAD  # what changed is a signature's name: nobody's that is known


@pytest.mark.parametrize(
    "change",
    [("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"), ("index 3", "index 03"), ("index 3\n", ""), ("\n\n", "\n"),
     ("index 3", "extra !\nindex 3")],
)  # fmt: skip
def test_what_is_no_proof_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises((Malformed, NotProved)):
        Proof.parse(proof_of(3).data.decode().replace(*change).encode()).verify(LEAVES[3], [LOG.key])


# --- commitments
RECORD = commitment.canonical({"人": "p1", "読んだ": ["住所", 1, None, True]})


def test_a_leaf_is_opened_by_its_record_and_salt_alone() -> None:
    salt = commitment.salt()
    leaf = commitment.commit(salt, RECORD)
    commitment.opened(leaf, salt, RECORD)
    with pytest.raises(NotProved):
        commitment.opened(leaf, commitment.salt(), RECORD)
    with pytest.raises(NotProved):
        commitment.opened(leaf, salt, RECORD + b" ")
    with pytest.raises(NotProved):
        commitment.opened(leaf, salt + RECORD[:1], RECORD[1:])


def test_the_same_record_is_never_the_same_leaf_twice() -> None:
    assert commitment.commit(commitment.salt(), RECORD) != commitment.commit(commitment.salt(), RECORD)


def test_a_record_has_one_form_whatever_the_order_of_its_names_and_no_floats() -> None:
    assert (
        commitment.canonical({"b": 1, "a": 2}) == commitment.canonical({"a": 2, "b": 1}) == b'{"a":2,"b":1}'
    )
    with pytest.raises(ValueError, match="floating"):
        commitment.canonical({"a": [{"b": 0.1}]})
