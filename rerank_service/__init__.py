"""HTTP service beside the search engine: encoding and reranking. Nothing here yet but the name."""
