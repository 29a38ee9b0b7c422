"""Many actions to a server: cut into requests, sent, sent again."""
