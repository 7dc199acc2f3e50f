"""The tamper-evident log and its witnesses; Trust builds it (C2SP tlog-tiles)."""
