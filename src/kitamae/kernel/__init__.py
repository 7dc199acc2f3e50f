"""What every service stands on: the context broker, people and the ledger. It knows no driver and no web frame."""
