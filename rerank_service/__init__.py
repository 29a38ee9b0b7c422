"""HTTP service beside the search engine: encoding and reranking.

``rerank_service.maxsim`` scores without any of the service, ``rerank_service.app`` makes the
application, ``rerank_service.client`` talks to it.
"""
