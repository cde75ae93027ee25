"""What a request asks for that cannot be done, found out only where the corpus is known."""


class RequestRefused(Exception):
    """The message names field, value and fix; nothing was done."""
