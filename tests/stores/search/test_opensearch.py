"""What of OpenSearch can be tested without one: only the slow tests start a node."""

import json

from atlas.stores.search.opensearch_documents import bulks, index_definition
from tests.stores.search.engines import text


def test_the_mapping_names_every_field_of_a_document() -> None:
    """It is strict: OpenSearch refuses a document with any other."""
    [[_, document]] = bulks([text("fog")])
    named = index_definition(1, 0)["mappings"]["properties"]
    assert json.loads(document).keys() == named.keys() - {"state"}
