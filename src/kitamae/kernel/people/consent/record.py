"""The record of a consent for the person it is about: the structure of ISO/IEC TS 27560:2023, in the terms of the Data Privacy Vocabulary.

As the W3C community group's guide for both does it (https://w3id.org/dpv/guides/consent-27560): header, processing, parties,
events. It is JSON-LD whose terms are all prefixed, so a program that knows no JSON-LD reads it as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.people.vault import Purpose, Record

PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#record"
CONTEXT: Final = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "kitamae": "https://kitamae.example/consent#",
    **{
        name: {"@id": name, "@type": "@id"}
        for name in (
            "dct:conformsTo",
            "dpv:hasLegalBasis",
            "dpv:hasDataSource",
            "dpv:isExercisedAt",
            "dpv:isIndicatedBy",
            "kitamae:page",
        )
    },  # these name things; the others are texts
}
STATUS: Final = {
    "given": "dpv:ConsentGiven",
    "renewed": "dpv:RenewedConsentGiven",
    "withdrawn": "dpv:ConsentWithdrawn",
    "expired": "dpv:ConsentExpired",
}
TAGS: Final = {"ja": "ja", "ja_Hira": "ja-Hira", "en": "en", "zh": "zh-Hans", "ko": "ko"}
"""As `dct:language` says them (BCP 47)."""


def record(
    purpose: Purpose, events: Sequence[Record], *, person: str, controller: Mapping[str, str], address: str
) -> dict[str, Any]:
    """Of one person and purpose. `events`: the vault's records of them, in whatever order, at least one; `controller`: the city's
    name by language; `address`: where the city is reached, as https://city.example.jp.
    """
    known: list[Mapping[str, Any]] = sorted((one.fields for one in events), key=_number)
    notices = [one["notice"] for one in known if "notice" in one]
    notice: Any = notices[-1] if notices else {}
    language = str(notice.get("language", "ja"))
    page = f"{address}/my/consents/{purpose.name}"
    return {
        "@context": CONTEXT,
        "@id": f"urn:kitamae:consent:{person}:{purpose.name}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": PROFILE,
        "dct:identifier": f"{person}:{purpose.name}",
        "dct:created": known[0]["at"],
        "dct:modified": known[-1]["at"],
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": person},
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dct:title": _texts(controller),
            "kitamae:page": address,
        },
        "dpv:hasJurisdiction": {"@type": "dpv:Jurisdiction", "dct:identifier": "JP"},
        "dpv:hasProcess": {
            "@type": "dpv:Process",
            "dpv:hasPurpose": {
                "@type": "dpv:Purpose",
                "dct:identifier": purpose.name,
                "dct:title": notice.get("title", ""),
                "dct:description": notice.get("use", ""),
            },
            "dpv:hasLegalBasis": "dpv:ExplicitlyExpressedConsent",
            "dpv:hasPersonalData": [
                {"@type": "dpv:PersonalData", "dct:title": name} for name in notice.get("fields", [])
            ],
            "dpv:hasRecipient": {"@type": "dpv:Recipient", "dct:description": notice.get("by", "")},
            "dpv:hasDataSource": "dpv:DataSubject" if purpose.entered else "dpv:DataController",
            "dpv:hasStorageCondition": [
                {
                    "@type": "dpv:StorageLocation",
                    "dpv:hasLocation": {"@type": "dpv:Location", "dct:identifier": "JP"},
                },
                {"@type": "dpv:StorageDuration", "dpv:hasDuration": f"P{notice.get('days', purpose.days)}D"},
            ],
        },
        "dpv:hasNotice": {
            "@id": f"{page}#{known[-1]['event']['version']}",
            "@type": "dpv:ConsentNotice",
            "dct:language": TAGS.get(language, language),
        },
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": page,
        },
        "dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dpv:isExercisedAt": f"{address}/my"},
        "dpv:hasConsentStatus": [_event(one) for one in known],
    }


def _event(one: Mapping[str, Any]) -> dict[str, Any]:
    """With the words that were read, and with what proves the entry of the ledger. Who was at the counter is the method."""
    what, by = one["event"]["event"], one["event"]["by"]
    given = what in ("given", "renewed")
    told: dict[str, Any] = {
        "@type": [STATUS[what], "dpv:ExplicitlyExpressedConsent"] if given else STATUS[what],
        "dpv:isIndicatedAtTime": one["at"],
        "dpv:isIndicatedBy": "dpv:DataController" if by == "system" else "dpv:DataSubject",
        "dpv:hasIndicationMethod": "/my/consents" if by == one["event"]["person"] else by,
        "kitamae:notice": one["event"]["version"],
        "kitamae:entry": {"number": one["number"], "event": one["event"], "salt": one["salt"]},
    }
    if given:
        told["kitamae:validUntil"] = one["until"]
        told["kitamae:words"] = one["notice"]
    return told


def _number(one: Mapping[str, Any]) -> int:
    """Of the entry of the ledger: they are in the order in which the events were."""
    return int(one["number"])


def _texts(words: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"@value": text, "@language": TAGS[language]} for language, text in words.items() if language in TAGS
    ]
