"""What stands about a person in documents and is not in the file that he takes along; the file says so itself, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    Why = Mapping[str, str]  # language -> a sentence

_WAY_IN: Final = {
    "ja": "持っている人がだれでも入れてしまうものです。数時間から数日で、ひとりでに終わります。",
    "en": "it lets in whoever has it, and ends by itself within hours or days",
}
_INDEX: Final = {
    "ja": "このファイルにある書類の番号だけです。",
    "en": "numbers of documents that are in the file themselves",
}
_OFFICE: Final = {
    "ja": "職員が仕事として、ほかのことについて行った記録です。市の書類で、本人について集めたデータではありません。",
    "en": "what a member of staff did in office, about something else: a paper of the town hall, not data held about him",
}
_PROVIDER: Final = {
    "ja": "事業者のために行ったことで、その事業者が自分のページで見ます。参加していることは、このファイルにあります。",
    "en": "what he did for a provider, which reads it on its own pages; that he belongs to it is in the file",
}
_ENDED: Final = {
    "ja": "終わったものの番号です。バックアップから戻しても、生き返らないようにするためのものです。",
    "en": "that something ended, by its number, so that no restore brings it back",
}
_REPORT: Final = {
    "ja": "まちに送られた知らせを、どう扱ったかです。だれが送ったかは書いてありません。送った人は、自分のリンクから見られます。",
    "en": "what became of a report to the city: it does not say who sent it; whoever did sees it through his own link",
}
_LISTED: Final = {
    "ja": "名簿のどこに載っているかの索引です。同じことが、このファイルにある名簿の記録にあります。",
    "en": "where he stands on a list: the same is in the list's record, which is in the file",
}
LEFT_OUT: Final[Mapping[str, Why]] = {
    **dict.fromkeys(
        ("link", "code", "grant", "access", "refresh", "mandate-offer", "provider-invitation", "spent"), _WAY_IN
    ),
    **dict.fromkeys(("mandates", "cases", "notices", "provider-of", "resident"), _INDEX),
    **dict.fromkeys(
        (
            "approval", "breach", "capability", "device-key", "evacuation-now", "evacuation-proposal", "incident-log", "clock-confirmed",
            "desk-act", "desk-note", "device-keys", "link-use", "client", "register", "order-last", "supply", "assisted-helper",
        ),
        _OFFICE,
    ),
    **dict.fromkeys(("contract", "provider-key", "provider-statement", "provider-paid"), _PROVIDER),
    **dict.fromkeys(("revoked", "consent-withdrawn"), _ENDED),
    **dict.fromkeys(("report", "report-code"), _REPORT),
    **dict.fromkeys(("assisted", "sheltered"), _LISTED),
    "staffing": {
        "ja": "職員の担当を決める仕事を、だれに任せたかです。同じことが担当（duties）にあります。",
        "en": "to whom the staff desk was given: the same stands among his duties",
    },
    "staff-number": {
        "ja": "職員番号から計算した値です。番号は読み取れません。",
        "en": "a digest of his number, from which nobody can read it",
    },
    "order": {
        "ja": "記録を消す・直すことについて、職員2人がこれから決めることです。済めば、理由とともに「だれが見たか」（looks）に残ります。",
        "en": "what two of the staff have to decide about his records: its receipt, with the reason, is among the looks once it is done",
    },
    "notice-due": {
        "ja": "お知らせを何回届けようとしたかです。どう届いたかは、このファイルにあります。",
        "en": "how often a notice was tried: how it was told is in the file",
    },
    "notice-told": {
        "ja": "お知らせがどうなったかの写しです。バックアップから戻したときのためのもので、どう届いたかは、このファイルにあります。",
        "en": "what became of a notice, a second time, for after a restore: how it was told is in the file",
    },
    "logout": {
        "ja": "サインアウトしたことを相手に伝えるためのものです。伝われば消えます。",
        "en": "that a partner is told to sign him out: it goes when the partner was told",
    },
    "letter": {
        "ja": "メールサーバーがまだ受け取っていない手紙です。封をしてあり、受け取られれば（長くて1日で）消えます。",
        "en": "a letter that the mail server has not taken yet, sealed: it goes when it is taken, in a day at most",
    },
    "watched": {
        "ja": "職員が何時ごろ仕事をするかです。知ると、気づかれない見かたが分かってしまいます。",
        "en": "at which hours a member of staff works: whoever knew it would know how not to be noticed",
    },
    "access-log": {
        "ja": "機械の記録で、みんなの行がいっしょに入っています。記録をだれが見たかは、looks にあります。",
        "en": "the machine's log, in batches of everybody's lines: who saw his records is among the looks",
    },
}  # fmt: skip
"""Kind of document -> why it is not in the file."""


def told() -> list[dict[str, Any]]:
    """As the file says it: each reason, and the kinds for which it holds."""
    kinds: dict[str, dict[str, Any]] = {}
    for kind, why in LEFT_OUT.items():
        kinds.setdefault(why["en"], {"why": dict(why), "kinds": []})["kinds"].append(kind)
    return list(kinds.values())
