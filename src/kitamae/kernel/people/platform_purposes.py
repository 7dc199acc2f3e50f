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

CONTACT: Final = Purpose(
    "contact",
    "consent",
    frozenset(
        {"email", "language", "asked", "code", "until", "tries", "event", "at", "number", "salt"},
    ),
    days=5 * 365,
    identifiers=frozenset({"until", "at", "number", "salt", "code"}),
    title={
        "ja": "市からのお知らせをメールで受け取ること",
        "ja_Hira": "まちからの おしらせを メールで うけとること",
        "en": "Notices from the town hall by e-mail",
        "zh": "通过电子邮件接收市里的通知",
        "ko": "시의 알림을 메일로 받는 것",
    },
    use={
        "ja": "請求への決定など、あなたへのお知らせがあることを、メールで伝えます。メールには、お知らせの中身を書きません。申し込んだときは、防災のお知らせも送ります。",
        "ja_Hira": "おねがいへの こたえなど、あなたへの おしらせが あることを、メールで つたえます。メールには、おしらせの なかみを かきません。もうしこんだ ときは、ぼうさいの おしらせも おくります。",
        "en": "You are told by e-mail that there is a notice for you, such as a decision on a request. The e-mail does not say what the notice is about. If you ask for them, emergency notices are sent too.",
        "zh": "通过邮件告诉您有给您的通知，例如对请求的决定。邮件中不写通知的内容。您申请后，也会发送防灾通知。",
        "ko": "청구에 대한 결정 등 당신에게 알림이 있다는 것을 메일로 전합니다. 메일에는 알림의 내용을 쓰지 않습니다. 신청하면 방재 알림도 보냅니다.",
    },
    by={
        "ja": "市の自動の処理。職員は見ません。",
        "ja_Hira": "まちの コンピューター。しょくいんは みません。",
        "en": "The town hall's program. Staff do not see it.",
        "zh": "市里的自动处理。职员不查看。",
        "ko": "시의 자동 처리. 직원은 보지 않습니다.",
    },
    agreed_days=5 * 365,
)
"""お知らせを受け取るメールアドレス: 本人が望むときだけ（情報通信技術を活用した行政の推進等に関する法律 第7条第1項ただし書）."""

DELIVERY: Final = Purpose(
    "delivery",
    "law",
    frozenset({"name", "address", "event", "at", "by", "how", "notices", "number", "salt"}),
    days=5 * 365,
    law="個人情報の保護に関する法律 第68条第2項・第82条・第93条・第101条・第128条",
    also=frozenset({"identity", REQUESTS.name}),
    identifiers=frozenset({"event", "at", "by", "how", "notices", "number", "salt"}),
    title={
        "ja": "お知らせを届けること",
        "ja_Hira": "おしらせを とどけること",
        "en": "Delivering notices",
        "zh": "送达通知",
        "ko": "알림을 전달하는 일",
    },
)
"""決定などの通知を本人に届けること: 宛名の印刷と、いつどのように届けたかの記録."""

ALL: Final = (DATA_TRACKER, REQUESTS, WATCHING, PROVIDERS, CONTACT, DELIVERY)
