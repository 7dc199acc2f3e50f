"""Who you are and what you may do: persons, sessions, tokens, and the one policy function that every route asks."""
