"""The vocabulary of the sensor register: DTPR (Digital Trust for Places and Routines, https://dtpr.io), and few words of ours.

A chain answers, in DTPR's order: who is accountable, why, by which technology, what data, how processed, how stored, who has
access, and how long it is kept. Names are DTPR's elements without their category; what begins with `x_` is ours, for what DTPR
has no word for (a water level). The Japanese words are ours too; pages translate them.
"""

from __future__ import annotations

from typing import Final

PURPOSE: Final = {
    "fire_emergency": "防災・緊急のとき",
    "ecology": "自然環境を調べる",
    "health": "健康",
    "safety_security": "安全・防犯",
    "traffic": "交通",
    "mobility": "移動",
    "planning_decision_making": "計画と判断",
    "energy_efficiency": "省エネルギー",
    "water_efficiency": "水を大切に使う",
    "waste_management": "ごみ",
    "wayfinding_services": "道案内",
    "accessibility": "だれもが使えるように",
    "research_development": "研究開発",
    "enforcement": "取り締まり",
    "entry": "出入りの確認",
    "connectivity": "通信",
}
TECHNOLOGY: Final = {
    "x_water_level": "水位を測る機器",
    "x_weather": "気象を測る機器",
    "air_quality": "空気の質を測る機器",
    "x_counter": "通った数を数える機器",
    "x_motion": "動きを感じる機器",
    "gps": "位置を測る機器",
    "cellular": "携帯電話の電波",
    "de_identified_image": "人を見分けられない静止画",
    "de_identified_video": "人を見分けられない動画",
    "de_identified_voice": "人を聞き分けられない音声",
    "de_identified_wifi_sensor": "端末を見分けない Wi-Fi センサー",
    "identifiable_image": "人を見分けられる静止画",
    "identifiable_video": "人を見分けられる動画",
    "identifiable_nfc": "持ち主が分かる NFC",
    "identifiable_rfid": "持ち主が分かる RFID",
}
DATA: Final = {
    "values_time": "時刻つきの数値",
    "spatial": "位置",
    "boolean": "あるかないか",
    "binary": "そのほかの電子データ",
    "tabular": "表",
    "pixel_based_image": "画像",
    "personal": "個人情報",
}
PROCESS: Final = {
    "raw_data": "測ったまま",
    "aggregated": "まとめて数える",
    "de_identified": "人を見分けられないようにする",
    "computer_vision": "画像を機械が読みとる",
    "ai_system": "AI が判断する",
    "encrypted": "暗号にする",
    "transport_layer_security": "通信を暗号にする",
}
STORAGE: Final = {
    "no_data_retained": "保存しない",
    "stored_locally": "機器の中",
    "stored_primarily_locally": "国内",
    "stored_on_3rd_party_cloud": "ほかの会社のクラウド",
    "stored_primarily_internationally": "国外",
}
ACCESS: Final = {
    "available_to_me": "だれでも見られる",
    "available_to_download": "だれでもダウンロードできる",
    "available_to_the_accountable_organization": "責任をもつ組織",
    "available_to_vendor": "作った会社・保守する会社",
    "available_to_3rd_parties": "ほかの組織",
    "not_available_to_me": "一般には見られない",
}
IDENTIFIES: Final = {
    "no": "人は見分けられない",
    "de_identified": "見分けられないようにしてから使う",
    "yes": "人を見分けられる",
}
"""Whether persons can be told apart by what it collects: DTPR says it by the colour of a technology's sign."""

CHAIN: Final = {
    "purpose": PURPOSE,
    "technology": TECHNOLOGY,
    "data": DATA,
    "process": PROCESS,
    "storage": STORAGE,
    "access": ACCESS,
}
"""Category -> its elements. Accountable, retention and place are said in words and days, not by elements."""
