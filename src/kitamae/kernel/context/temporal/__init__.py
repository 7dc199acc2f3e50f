"""What was: temporal queries (clause 4.11), the temporal representations and aggregation (clause 4.5.6 to 4.5.19)."""
