"""The SQL of this package by name."""

from __future__ import annotations

from functools import partial

from kitamae.adapters.sql import named

queries = partial(named.queries, package=__package__)
