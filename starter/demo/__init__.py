"""`make demo`: the whole way of a document on a stack of its own, told step by step, and checked.

python -m starter.demo [--source URL] [--max-pages N]
"""
