"""Training: a dense retriever and a text corpus in, a model folder out (extra ``train``)."""
