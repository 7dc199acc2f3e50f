"""How well improper use is found: a year of invented work in an invented town hall, with misuse planted in it.

town.py     64,000 persons in households, blocks and families; staff who live among them
year.py     what the staff do in a year: counters, lists, cases, seasons, night duty, floods, transfers
misuse.py   what some of them should not have done
__main__.py  the detector over all of it: `python -m benchmarks.watching`

Nothing in town, year and misuse knows a threshold, a rule or a module of the detector.
"""
