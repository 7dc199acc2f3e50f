"""How well reports are located and told to be one: on a labelled set of our own (`python -m benchmarks.reported`)."""
