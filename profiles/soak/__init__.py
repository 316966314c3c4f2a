"""`oomproof soak`: readers against a remote server for hours or days, and why it restarted."""
