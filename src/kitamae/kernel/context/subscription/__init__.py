"""Who wants to know: the subscription model, the index that finds the few concerned by a change, the messages."""
