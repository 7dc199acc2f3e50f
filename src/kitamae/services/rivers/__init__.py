"""Rivers: what each gauge says of its water, and how old that is."""
