"""The formats of an export: from documents to bytes, one format per module."""
