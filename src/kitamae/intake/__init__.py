"""Files that a town hall already has, read row by row into entities: what `kitamae import` and the city loader share.

    text.py      bytes -> lines: encodings, line ends, lines without an end
    table.py     lines -> CSV records that survive a broken one
    features.py  GeoJSON -> features, in constant memory
    layout.py    which column means what: data in layouts/*.toml
    cell.py      one cell -> a value, or what was expected instead
    row.py       what becomes of a row: an entity, or a refusal with its line, column, value and what was expected
    assemble.py  a row's cells -> that outcome, by the layout
    reading.py   a file -> rows; finds the layout by itself
    deliver.py   entities -> a broker, over its public batch operations
    device.py    what a device's messages mean: data in a city's devices/*.toml
    archive.py   messages that were kept, in the order of their time
    speak.py     messages -> a broker, one by one, as a device sends them
    asking.py    requests that are patient with a broker
    report.py    what happened, for people and for programs

Nothing is lost silently: every row of a file ends as an entity or as a refusal, and what is odd but kept is a remark.
"""
