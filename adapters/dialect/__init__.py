"""Between our types and the servers' JSON: pure functions, no I/O."""
