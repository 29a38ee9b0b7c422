"""The engine for one machine: tantivy behind the contract."""
