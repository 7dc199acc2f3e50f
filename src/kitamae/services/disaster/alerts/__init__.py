"""Alerts from elsewhere: what 気象庁防災情報XML and CAP 1.2 say, in one form. XML is read by kitamae.sdk.xml.

message.py   what both say: Message, Statement, Area
jma.py       気象庁防災情報XML
cap.py       OASIS Common Alerting Protocol 1.2
levels.py    警戒レベル, in the scheme of 2021 and in that of 2026
city.py      of a message, what concerns this city: Alert entities
"""
