"""The search index in a full-text engine: tantivy in a folder, or OpenSearch."""
