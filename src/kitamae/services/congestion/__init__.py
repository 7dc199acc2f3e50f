"""混雑: how many people are at public places now, how many usually, and how many to expect."""
