"""The command line: one file a verb. It composes the packages; nothing imports it."""
