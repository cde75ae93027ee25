"""`make demo`: a document's way through Atlas, from sync to search, step by step and checked.

python -m starter.demo [--source URL] [--max-pages N] [--delay S]
"""
