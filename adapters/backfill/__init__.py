"""An index in use, read through, encoded and updated."""
