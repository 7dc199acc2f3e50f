"""Open, limited and closed data: what is not for the caller to see is not there for him, at every door that reads.

`hidden` knows what one caller may not see and takes it out of entities and changes; `asked` looks at what a question asks by, because
a filter on what one may not see tells what it is; `store` is a store that answers for one caller alone. A city that declares nothing
limited has none of this in its way.
"""

from kitamae.kernel.context.veil.hidden import Hidden, hidden, of_all
from kitamae.kernel.context.veil.store import behind, hidden_in, seen_by, veiled

__all__ = ["Hidden", "behind", "hidden", "hidden_in", "of_all", "seen_by", "veiled"]
