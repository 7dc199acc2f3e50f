"""What counters report: which counts are believed, and how they become hours and days."""
