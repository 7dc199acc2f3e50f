"""NGSIv2 on the entities of NGSI-LD: what Orion's clients speak (docs/connect/ngsiv2.md is the mapping).

`routes` is the table of contents; an `Exchange` gives a handler what was sent; `names` and `attribute` translate names
and values in both directions, `represent` writes what clients read, `operations` are what they do.
"""

from kitamae.kernel.context.v2.application import Application
from kitamae.kernel.context.v2.registration.ask import NgsiV2
from kitamae.kernel.context.v2.routes import routes

__all__ = ["Application", "NgsiV2", "routes"]
