"""OpenSearch and Elasticsearch behind the contract: connections, requests, errors."""
