"""Devices: where they sign in (`/devices/token`), and the desk that looks after their keys (`/staff/devices`)."""

from pathlib import Path

from kitamae.web.shell import Desk

HERE = Path(__file__).parent

DESK = Desk(
    "/staff/devices",
    {"ja": "機器の鍵", "ja_Hira": "きかいの かぎ", "en": "Keys of devices", "zh": "设备密钥", "ko": "기기 키"},
    "sensors",
)  # fmt: skip
