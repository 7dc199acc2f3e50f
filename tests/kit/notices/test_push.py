"""Web push: what goes out is what RFC 8291 and RFC 8292 say, and it goes only where the city may send to."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.problems import BadRequest
from kitamae.kit.notices.area.channel import Message
from kitamae.kit.notices.area.push import MOST, WebPush, encrypted
from telling import Browser, encode


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decode(text), "big"), ec.SECP256R1())


BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZ"
    "wbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_rfc_8291_section_5_comes_out_byte_by_byte() -> None:
    browser = Browser(
        private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), decode("BTBZMqHH6r4Tts7J_aSIgg")
    )
    said = b"When I grow up, I want to be a watermelon"
    made = encrypted(
        said, browser.public, browser.auth,
        ours=private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), salt=decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )  # fmt: skip
    assert encode(made) == BODY
    assert browser.read(made) == said


BROWSER = Browser()


@given(st.binary(max_size=MOST))
def test_whatever_is_said_its_browser_reads_it_and_no_other_does(said: bytes) -> None:
    made = encrypted(said, BROWSER.public, BROWSER.auth)
    assert len(made) <= 4096
    if not said.endswith(b"\0"):
        assert BROWSER.read(made) == said
    with pytest.raises(Exception, match=r"^$"):
        Browser(BROWSER.key, b"another sixteen!").read(made)


def test_what_is_too_long_for_a_push_service_is_not_made() -> None:
    with pytest.raises(ValueError, match="one record"):
        encrypted(bytes(MOST + 1), BROWSER.public, BROWSER.auth)


HOSTS = ("fcm.googleapis.com", "*.notify.windows.com")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://192.168.1.5/push", "https://127.0.0.1/push", "https://[::1]/push", "http://fcm.googleapis.com/x", "https://evil.example/x", "https://fcm.googleapis.com.evil.example/x",
        "https://notify.windows.com.evil.example/x", "file:///etc/passwd", "https://2130706433/", "", "https://fcm.googleapis.com/" + "x" * 1000, "https://fcm.googleapis.com/\r\nX: y",
        "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com:80/x", "https://fcm.googleapis.com:0/x", "https://me@fcm.googleapis.com/x", "https://me:word@fcm.googleapis.com:443/x",
        "https://@fcm.googleapis.com/x", "https://fcm.googleapis.com:99999/x",
    ],
)  # fmt: skip
def test_an_address_that_is_no_known_push_service_is_refused(endpoint: str) -> None:
    push: Any = WebPush(None, Destinations(), HOSTS)  # type: ignore[arg-type]
    with pytest.raises(BadRequest):
        push.demand(endpoint, **BROWSER.keys)


@pytest.mark.parametrize(
    "host", ["fcm.googleapis.com", "FCM.googleapis.com", "wns2-par02p.notify.windows.com"]
)
def test_a_known_push_service_is_believed(host: str) -> None:
    push: Any = WebPush(None, Destinations(), HOSTS)  # type: ignore[arg-type]
    assert push.demand(f"https://{host}/send/abc", **BROWSER.keys)["endpoint"].endswith("/send/abc")


def test_all_addresses_of_one_push_service_wait_together() -> None:
    push: Any = WebPush(None, Destinations(), HOSTS)  # type: ignore[arg-type]
    spelt = ("fcm.googleapis.com", "FCM.googleapis.com", "fcm.googleapis.com:443", "a@fcm.googleapis.com:99")
    assert {push.lane({"endpoint": f"https://{one}/x"}) for one in spelt} == {"fcm.googleapis.com"}


async def test_an_address_with_a_port_that_was_kept_before_is_removed_and_nothing_is_sent_there() -> None:
    push: Any = WebPush(None, Destinations(), HOSTS)  # type: ignore[arg-type]
    to = {"endpoint": "https://fcm.googleapis.com:8443/x", **BROWSER.keys}
    message = Message("1", "title", "line", "https://city.example.jp/disaster", "ja", "group")
    assert await push.hand_over([to], message) == "gone"


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": "AAAA"},
        {"p256dh": encode(b"\x04" + bytes(64))},
        {"auth": encode(b"short")},
        {"auth": "!!"},
        {"p256dh": ""},
    ],
)
def test_keys_that_no_browser_has_are_refused(keys: dict[str, str]) -> None:
    push: Any = WebPush(None, Destinations(), HOSTS)  # type: ignore[arg-type]
    with pytest.raises(BadRequest):
        push.demand("https://fcm.googleapis.com/x", **(BROWSER.keys | keys))
