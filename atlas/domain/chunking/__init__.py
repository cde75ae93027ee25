"""Documents in chunks: `document_chunks.py` is the way in."""
