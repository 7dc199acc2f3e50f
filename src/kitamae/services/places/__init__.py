"""Places: shelters, toilets, facilities and hot springs of the city as a list and a map; found by name, by reading, by nearness."""
