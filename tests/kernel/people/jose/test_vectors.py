"""Wycheproof and RFC 7520 through the functions that production calls. What is excused: docs/conformance.md, with reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kitamae.kernel.people.jose import encrypted, signed
from kitamae.kernel.people.jose.algorithms import CONTENT, SIGNING, WRAPPING
from kitamae.kernel.people.jose.encoding import BadToken, encode
from kitamae.kernel.people.jose.keys import Keys

NOT_FOR_THAT = {
    346,
    347,
    350,
    351,
}  # the key says that it is for another algorithm (PS256, ES521) than the token's
SAME_AS_VALID = {367, 370}  # called invalid, and letter for letter the token that 357 calls valid
NOT_BASE64URL = {372, 373}  # called valid, with a `?` in the middle
RSA1_5 = {100, 101, 102, 103, 104, 105, 112, 128}
COMPRESSED = {135}
EXCUSED = {
    "json_web_signature_test": NOT_FOR_THAT | SAME_AS_VALID | NOT_BASE64URL,
    "json_web_encryption_test": RSA1_5 | COMPRESSED,
    "json_web_key_test": set(),
    "json_web_crypto_test": set(),
}


def believed(group: dict[str, Any], test: dict[str, Any]) -> bool:
    sent = test.get("jws", test.get("jwe"))
    token = sent if isinstance(sent, str) else json.dumps(sent)
    try:
        if "jws" in test:
            keys = Keys.read(group.get("public") or group["private"])
            signed.verify(token, keys, SIGNING)
        else:
            keys = Keys.read(group["private"])
            opened = encrypted.decrypt(token, keys, {*WRAPPING, *CONTENT})
            assert opened.hex() == test.get("pt", opened.hex())
    except BadToken:
        return False
    return True


def vectors(shared: Path, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    found = json.loads((shared / f"data/vectors/wycheproof/{name}.json").read_text("utf-8"))
    return [(group, test) for group in found["testGroups"] for test in group["tests"]]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("json_web_signature_test", 401),
        ("json_web_encryption_test", 139),
        ("json_web_key_test", 26),
        ("json_web_crypto_test", 83),
    ],
)
def test_every_vector_of_wycheproof_comes_out_as_it_says_but_for_the_excused_ones(
    shared: Path, name: str, count: int
) -> None:
    tests = vectors(shared, name)
    others = {t["tcId"] for g, t in tests if believed(g, t) != (t["result"] == "valid")}
    assert (len(tests), others) == (count, EXCUSED[name])


def test_the_two_vectors_that_contradict_another_one_are_letter_for_letter_the_same(shared: Path) -> None:
    tests = {test["tcId"]: test for _, test in vectors(shared, "json_web_signature_test")}
    assert {tests[one]["jws"] for one in SAME_AS_VALID} == {tests[357]["jws"]}
    assert (tests[357]["result"], tests[367]["result"]) == ("valid", "invalid")


COOKBOOK = ("4_1", "4_2", "4_3", "4_4")


@pytest.mark.parametrize("section", COOKBOOK)
def test_the_examples_of_rfc_7520_in_compact_form_are_believed_and_their_json_forms_are_not(
    shared: Path, section: str
) -> None:
    (file,) = (shared / "data/vectors/jose-cookbook/jws").glob(f"{section}.*.json")
    example = json.loads(file.read_text("utf-8"))
    given = example["input"]
    keys = Keys.read(given["key"])
    header, payload = signed.verify(example["output"]["compact"], keys, [given["alg"]])
    assert (header, payload.decode()) == (example["signing"]["protected"], given["payload"])
    for form in ("json", "json_flat"):
        with pytest.raises(BadToken):
            signed.verify(json.dumps(example["output"][form]), keys, SIGNING)


def test_the_examples_of_rfc_7520_without_a_compact_form_that_stands_alone_are_refused(shared: Path) -> None:
    rest = [
        file
        for file in (shared / "data/vectors/jose-cookbook/jws").glob("*.json")
        if not file.name.startswith(COOKBOOK)
    ]
    assert len(rest) == 4
    for file in rest:
        output = json.loads(file.read_text("utf-8"))["output"]
        key = json.loads(file.read_text("utf-8"))["input"]["key"]
        for form in output.values():
            with pytest.raises(BadToken):
                signed.verify(
                    form if isinstance(form, str) else json.dumps(form),
                    Keys.read(key if isinstance(key, dict) else key[0]),
                    SIGNING,
                )


SECTION_5 = json.loads((Path(__file__).parent / "rfc7520-section5.json").read_text("utf-8"))
"""Inputs and outputs of ietf-jose/cookbook 13692b6, folder jwe; what happens between is left out."""
OPENED = ("5.2", "5.4", "5.5", "5.6", "5.7", "5.8")


def our_keys(example: dict[str, Any]) -> Keys:
    """Of an example that is encrypted with a password: that one's bytes; of one for several: the last one's secret."""
    if example["key"] is None:
        return Keys.read({"kty": "oct", "k": encode(example["pwd"].encode())})
    return Keys.read(example["key"][-1] if isinstance(example["key"], list) else example["key"])


def test_section_5_of_rfc_7520_is_there_as_a_whole() -> None:
    assert list(SECTION_5) == [f"5.{number}" for number in range(1, 14)]


@pytest.mark.parametrize("section", OPENED)
def test_what_rfc_7520_encrypts_in_compact_form_is_opened_and_nothing_of_it_that_was_changed(
    section: str,
) -> None:
    example = SECTION_5[section]
    keys, believed, token = our_keys(example), {example["alg"], example["enc"]}, example["output"]["compact"]
    assert encrypted.decrypt(token, keys, believed).decode() == example["plaintext"]
    for missing in believed:
        with pytest.raises(BadToken):
            encrypted.decrypt(token, keys, believed - {missing})
    parts = token.split(".")
    for changed in (0, 1, 3, 4):
        if parts[changed]:
            first = "B" if parts[changed][0] == "A" else "A"
            other = [*parts[:changed], first + parts[changed][1:], *parts[changed + 1 :]]
            with pytest.raises(BadToken):
                encrypted.decrypt(".".join(other), keys, believed)


@pytest.mark.parametrize("section", list(SECTION_5))
def test_what_is_not_spoken_here_of_rfc_7520_section_5_is_refused_whatever_is_believed(section: str) -> None:
    """RSA1_5 (5.1), a password (5.3), compressed content (5.9), and every JSON form."""
    example = SECTION_5[section]
    keys, forms = our_keys(example), dict(example["output"])
    if section in OPENED:
        forms.pop("compact")
    named = example["alg"] if isinstance(example["alg"], list) else [example["alg"]]
    for believed in ({*WRAPPING, *CONTENT}, {*WRAPPING, *CONTENT, *named, example["enc"]}):
        for form in forms.values():
            with pytest.raises(BadToken):
                encrypted.decrypt(form if isinstance(form, str) else json.dumps(form), keys, believed)
