"""Nothing is shared by every test yet."""
