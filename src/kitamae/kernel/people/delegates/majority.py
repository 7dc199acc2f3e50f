"""When a child is of age, and a parent's mandate ends by itself.

民法 第4条: eighteen. 年齢計算ニ関スル法律: one is a year older at the end of the day before the birthday, which is the beginning of the
birthday; and of somebody born on 29 February, in a year without one, at the end of 28 February (民法 第143条第2項).
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

from kitamae.kernel import days

AGE: Final = 18


def birth(born: str, today: date) -> date:
    """The day of birth of somebody who is alive (YYYY-MM-DD). `today`: in Japan, whose law it is (`days.of`). Raises BadRequest."""
    day = days.read("birth_date", born)
    days.demand_past("birth_date", day, today)
    return day


def of_age(day: date) -> datetime:
    """The moment, with its zone, at which somebody born on that day is of age."""
    year = day.year + AGE
    try:
        then = day.replace(year=year)
    except ValueError:  # 29 February: at the end of the 28th
        then = date(year, 3, 1)
    return datetime.combine(then, time(), days.JST)
