"""Supplies that shelters ask for, and what is sent to them (避難所の物資).

records.py   what is kept, and what follows from it
supplies.py  the door: asked, sent, arrived, declined, withdrawn, undone
"""

from kitamae.kernel.supplies.records import Shelters, State, Supply, Wish, counted, is_open, left, state
from kitamae.kernel.supplies.supplies import Supplies

__all__ = ["Shelters", "State", "Supplies", "Supply", "Wish", "counted", "is_open", "left", "state"]
