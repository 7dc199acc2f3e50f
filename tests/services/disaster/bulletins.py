"""Messages as 気象庁 and others write them, made for tests: an office, areas, kinds with what becomes of them."""

from __future__ import annotations

from xml.sax.saxutils import escape

CITY, SOUTH, PREFECTURE = ("加賀市", "1720600"), ("加賀南部", "170012"), ("石川県", "170000")
ELSEWHERE = ("輪島市", "1720400")
CAP = "urn:oasis:names:tc:emergency:cap:1.2"


def jma(
    *kinds: tuple[str, str, str],
    at: str = "2026-08-01T09:00:00+09:00",
    area: tuple[str, str] = CITY,
    title: str = "気象特別警報・警報・注意報",
    status: str = "通常",
    info: str = "発表",
    event: str = "",
    office: str = "金沢地方気象台",
    until: str = "",
) -> bytes:
    """`kinds`: (name, code, state) of the one area; none: 発表警報・注意報はなし."""
    said = "".join(
        f"<Kind><Name>{name}</Name><Code>{code}</Code><Status>{state}</Status></Kind>"
        for name, code, state in kinds
    )
    valid = f"<ValidDateTime>{until}</ValidDateTime>" if until else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Report xmlns="http://xml.kishou.go.jp/jmaxml1/">
<Control><Title>{title}</Title><DateTime>{at}</DateTime><Status>{status}</Status>
<EditorialOffice>{office}</EditorialOffice><PublishingOffice>{office}</PublishingOffice></Control>
<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/"><Title>石川県{title}</Title>
<ReportDateTime>{at}</ReportDateTime><TargetDateTime>{at}</TargetDateTime>{valid}<EventID>{event}</EventID>
<InfoType>{info}</InfoType><Serial/><InfoKind>気象警報・注意報</InfoKind><InfoKindVersion>1.1_0</InfoKindVersion>
<Headline><Text>見出しの文。</Text></Headline></Head>
<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/"><Warning type="気象警報・注意報（市町村等）"><Item>
{said or "<Kind><Status>発表警報・注意報はなし</Status></Kind>"}
<Area><Name>{area[0]}</Name><Code>{area[1]}</Code></Area></Item></Warning></Body></Report>""".encode()


def cap(
    event: str = "断水",
    sender: str = "water.example",
    kind: str = "Alert",
    status: str = "Actual",
    extra: str = "",
    code: str = "1720600",
) -> bytes:
    """One info, one area with a geocode of 気象庁's municipalities."""
    return f"""<alert xmlns="{CAP}"><identifier>w-1</identifier><sender>{escape(sender)}</sender>
<sent>2026-08-01T09:00:00+09:00</sent><status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>{extra}
<info><language>en</language><category>Infra</category><event>No water</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><area><areaDesc>elsewhere</areaDesc></area></info>
<info><language>ja-JP</language><category>Infra</category><event>{escape(event)}</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><expires>2026-08-02T09:00:00+09:00</expires>
<headline>水が出ません</headline><area><areaDesc>加賀市</areaDesc><geocode><valueName>気象・地震・火山情報／市町村等</valueName>
<value>{code}</value></geocode></area></info></alert>""".encode()
