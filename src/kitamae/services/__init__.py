"""The services of the city: one folder each, found by its manifest. To add one, copy `places`."""
