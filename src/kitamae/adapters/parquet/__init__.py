"""Closed months of history as sorted Parquet files, written and read by DuckDB. Loaded when the first one is touched."""
