-- The state knows the same of itself: only a restore of an older one misses it.
DROP TABLE ended;
