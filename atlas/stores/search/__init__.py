"""The search index in a full-text engine: a folder of tantivy's, or an OpenSearch."""
