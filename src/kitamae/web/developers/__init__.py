"""Pages for whoever builds on the city: `/developers` for everybody, `/developers/mine` for providers (提供者).

public.py    what can be had, how, from whom; the public register of providers, and a form on paper
examples.py  lines of curl that work against this very server
"""

from pathlib import Path

HERE = Path(__file__).parent
DEVELOPERS = "/developers"
