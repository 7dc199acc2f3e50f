"""What several services need in the same way: each is configuration of the one mechanism that stands here."""
