"""The context broker: what is true in the city now, and what was (NGSI-LD 1.9.1; NGSIv2 on the same entities).

A request is read once into the internal form (`entity`), changed by a pure operation (`operations`), kept by a
`store`, and cut into an answer (`represent`):

    names.py       the core @context's terms           jsonld.py      contexts: expand and compact names (`definitions`)
    entity.py      the internal form                   read.py        a payload -> the internal form, checked (`attributes`,
                                                                      `values`, `geojson`, `lexical`)
    operations/    before + fragment -> after, delta   represent.py   the internal form -> an answer (`languages`)
    query/         q, geoQ, scopeQ, selection as data; `match` is their exact meaning
    store.py       what a store must do (Protocol)     temporal/      history: queries and representations
    subscription/  who wants to know, matching, notifications
    api/           the HTTP binding, one module per clause
"""
