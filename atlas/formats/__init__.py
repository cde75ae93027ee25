"""How exported documents are written: one format a file, from documents to bytes."""
