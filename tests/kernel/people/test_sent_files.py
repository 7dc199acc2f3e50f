"""Files that hold a 個人番号 are held back, whatever they are written in."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people import sent_files
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.problems import BadRequest

NUMBER = "123456789018"
SENTENCE = f"世帯主 加賀太郎 番号 {NUMBER} です。\r\n"


def document(name: str, xml: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", "<Types/>")
        parts.writestr(name, xml)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_a_text_is_held_back_in_every_encoding_that_a_town_hall_meets(encoding: str) -> None:
    with pytest.raises(HoldsMyNumber) as refused:
        sent_files.demand_none(SENTENCE.encode(encoding))
    assert NUMBER not in refused.value.detail
    assert sent_files.demand_none(SENTENCE.replace(NUMBER, "■" * 12).encode(encoding)).readable


@pytest.mark.parametrize(
    ("name", "xml"),
    [
        ("word/document.xml", "<w:p><w:r><w:t>1234</w:t></w:r><w:r><w:t>56789018</w:t></w:r></w:p>"),
        ("xl/sharedStrings.xml", f"<sst><si><t>氏名</t></si><si><t>{NUMBER}</t></si></sst>"),
        ("content.xml", f"<office:text><text:p>番号 {NUMBER}</text:p></office:text>"),
    ],
)
def test_an_office_document_is_looked_through(name: str, xml: str) -> None:
    if name.startswith("word"):  # one word processor's runs are one text
        xml = xml.replace("</w:t></w:r><w:r><w:t>", "</w:t></w:r><w:r><w:t>")
    assert sent_files.look_through(document(name, xml)).held_back
    assert sent_files.look_through(document(name, "<a>何もない</a>")) == sent_files.Looked(0, True)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, b"PK\x03\x04not a zip", bytes(500)])  # fmt: skip
def test_what_cannot_be_read_is_said_to_be_unread_not_clean(data: bytes) -> None:
    assert not sent_files.look_through(data).readable


def test_a_document_that_unpacks_without_end_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(BadRequest):
        sent_files.look_through(document("word/document.xml", " " * (sent_files.MOST_BYTES + 1)))
    with pytest.raises(BadRequest):
        sent_files.look_through(bytes(sent_files.MOST_BYTES + 1))


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(data: bytes) -> None:
    for some in (data, b"PK\x03\x04" + data, document("content.xml", data.decode("latin-1"))):
        assert sent_files.look_through(some).numbers >= 0
