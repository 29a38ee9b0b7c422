"""One contract, several search engines. The errors are in `adapters.errors`."""

from .connect import connect
from .engine import Engine
from .errors import EngineError
from .filters import AnyOf, Range
from .request import SearchRequest
from .search import Search
from .types import Document, Hit, Schema, SearchResult, Statistics

__all__ = [
    "AnyOf",
    "Document",
    "Engine",
    "EngineError",
    "Hit",
    "Range",
    "Schema",
    "Search",
    "SearchRequest",
    "SearchResult",
    "Statistics",
    "connect",
]
