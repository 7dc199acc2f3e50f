"""A city on its way from one store to another: what is carried, what a store must do for it, and the rounds."""
