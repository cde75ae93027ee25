"""A scripted web server on loopback, for every test that needs a web."""

from tests.origin.replies import Reply, Seen
from tests.origin.server import Origin

__all__ = ["Origin", "Reply", "Seen"]
