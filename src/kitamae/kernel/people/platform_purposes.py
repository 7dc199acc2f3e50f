"""For what the platform itself holds and reads personal data, in every city; a city may declare the same name otherwise."""

from __future__ import annotations

from typing import Final

from kitamae.kernel.people.vault import Purpose

DATA_TRACKER: Final = Purpose(
    "data-tracker",
    "law",
    frozenset({"receipts"}),
    days=1,  # nothing is collected for it
    law="個人情報の保護に関する法律 第69条第2項第1号",
    title={
        "ja": "利用の記録を本人に見せること",
        "ja_Hira": "だれが みたかを ほんにんに みせること",
        "en": "Showing you who used your data",
        "zh": "向本人显示使用记录",
        "ko": "본인에게 이용 기록을 보여 주는 것",
    },
)
"""A portal shows a person who used the data about him: 本人に提供するとき."""

REQUESTS: Final = Purpose(
    "requests",
    "law",
    frozenset(
        {
            *(
                "step",
                "at",
                "by",
                "case",
                "salt",
                "leaf",
            ),  # of every step: what its leaf in the ledger commits to
            *(
                "name",
                "address",
                "contact",
                "capacity",
                "represented",
                "target",
                "text",
                "reason",
                "received_on",
            ),
            *("outcome", "days", "due", "identity"),
            "proposal",  # values that a record should have instead, until two have decided
        }
    ),
    days=5 * 365,
    law="個人情報の保護に関する法律 第77条・第91条・第99条・第128条",
    identifiers=frozenset({"step", "at", "by", "case", "salt", "received_on", "due"}),
    title={
        "ja": "個人情報についての請求・相談",
        "ja_Hira": "じょうほうに ついての おねがい・そうだん",
        "en": "Requests and complaints about personal data",
        "zh": "关于个人信息的请求与咨询",
        "ko": "개인정보에 관한 청구·상담",
    },
)
"""開示・訂正・利用停止の請求と、個人情報の取扱いに関する苦情・相談."""

WATCHING: Final = Purpose(
    "watching",
    "law",
    frozenset(
        {"name", "kana", "address", *("event", "at", "by", "flag", "reason", "told", "salt", "number")}
    ),
    days=3 * 365,
    law="個人情報の保護に関する法律 第66条第1項",
    identifiers=frozenset({"event", "at", "by", "flag", "told", "salt", "number"}),
    title={
        "ja": "不適切な利用を見つけること",
        "ja_Hira": "よくない みかたを みつける こと",
        "en": "Finding improper use",
        "zh": "发现不当使用",
        "ko": "부적절한 이용을 찾아내는 일",
    },
)
"""Improper use is looked for (安全管理措置): the names and addresses of the staff, and what became of each flag."""

PROVIDERS: Final = Purpose(
    "providers",
    "contract",
    frozenset({"contact", "provider"}),
    days=5 * 365,
    identifiers=frozenset({"provider"}),
    title={
        "ja": "データを使う個人への連絡",
        "ja_Hira": "データを つかう ひとへの れんらく",
        "en": "Reaching a volunteer who builds on the city",
        "zh": "联系使用数据的个人",
        "ko": "데이터를 쓰는 개인에게 연락하는 일",
    },
)
"""個人の提供者（ボランティア）の連絡先."""

ALL: Final = (DATA_TRACKER, REQUESTS, WATCHING, PROVIDERS)
