"""Whatever comes in, only a document or a named refusal comes out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.media_kinds import MEDIA_KINDS
from atlas.text.extract import extract

URL = "https://site.example/dir/page.html"
# fmt: off
TAGS = st.sampled_from([
    "p", "div", "b", "a", "td", "table", "li", "ul", "dl", "dt", "dd", "pre", "br", "h1", "nav",
    "main", "article", "script", "svg", "template", "base",
])
ATTRIBUTES = st.sampled_from([
    "", "href='x'", "hidden", "class=nav", "href='//[', id=", "style=display:none",
])
# fmt: on
TREES = st.recursive(
    st.text(max_size=20),
    lambda inner: st.builds(
        lambda tag, attribute, parts: f"<{tag} {attribute}>{''.join(parts)}</{tag}>",
        TAGS,
        st.sampled_from(
            ["", "href='x'", "hidden", "class=nav", "href='//[', id=", "style=display:none"]
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)
TYPES = st.sampled_from([*(each.types[0] for each in MEDIA_KINDS), "application/xml", "x", None])
CHARSETS = st.sampled_from([None, "utf-8", "gbk", "utf-16", "shift_jis", "none"])


def survives(body: bytes, content_type: str | None, charset: str | None) -> None:
    try:
        found = extract(body, content_type, charset, URL)
    except PageError as error:
        assert error.error_class is ErrorClass.INVALID
        return
    assert found.text.strip()
    (found.text + found.markdown + found.title).encode()  # storable: no lone surrogate
    assert "\x00" not in found.text + found.markdown + found.title


@settings(deadline=None)
@given(st.binary(max_size=400), TYPES, CHARSETS)
def test_random_bytes_give_a_document_or_a_named_refusal(
    body: bytes, content_type: str | None, charset: str | None
) -> None:
    survives(body, content_type, charset)


@settings(deadline=None)
@given(TREES, CHARSETS)
def test_random_trees_give_a_document_or_a_named_refusal(html: str, charset: str | None) -> None:
    survives(html.encode("utf-8", "surrogatepass"), "text/html", charset)
