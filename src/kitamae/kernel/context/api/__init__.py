"""The HTTP binding of NGSI-LD (clause 6), one module per group of resources; `routes` is the table of all of them."""
