"""The cluster calls the service: what has to be put up for that."""
