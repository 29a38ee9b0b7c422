"""An index on its way to another model."""
