"""Where parts of the Markdown stand in the text: of each part, and of runs of them."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from atlas.domain.chunking.text_places import MarkdownSpan, TextPlaces, TextSpan

_SAID = st.text(st.sampled_from("ab漢 .3)*-—„\n"), max_size=12)


@given(st.lists(st.tuples(_SAID, _SAID, st.booleans(), st.booleans()), min_size=1, max_size=12))
@example([("3. a", "a", True, False), ("b.", "b.", True, False)])
@example([("***", "—", False, False), ("a", " a", False, False), ("*", "—", False, True)])
@example([("[a](b)", "a", False, False), ("lost", "", False, False), ("c", "c", False, False)])
def test_runs_of_parts_stand_where_their_parts_do(
    pieces: list[tuple[str, str, bool, bool]],
) -> None:
    """`pieces`: what each part says in Markdown, in the text, whether it is of a list, and whether
    a run ends with it."""
    markdown = text = ""
    parts: list[MarkdownSpan] = []
    bounds = [0]
    for said, plain, listed, last in pieces:
        bare = said.strip()
        parts.append(MarkdownSpan(len(markdown), len(markdown) + len(bare), listed))
        markdown, text = markdown + bare + "\n", text + plain
        bounds += [len(parts)] if last else []
    runs = [parts[a:b] for a, b in pairwise(sorted({*bounds, len(parts)}))]
    places = TextPlaces(text)
    single = dict(zip(parts, places.spans(markdown, parts), strict=True))
    expected = [TextSpan(single[run[0]].start, single[run[-1]].end) for run in runs]
    assert places.run_spans(markdown, runs) == expected


def test_a_run_is_looked_for_once() -> None:
    """Each part by itself costs as much as all of them: a text without sentences has hundreds."""
    markdown = "one two three four\n\nfive"
    starts = [(0, 3), (4, 7), (8, 13), (14, 18)]
    run = [MarkdownSpan(start, end, False) for start, end in starts]
    read: list[slice] = []

    class Read(str):
        def __getitem__(self, place: object) -> str:
            assert isinstance(place, slice)
            read.append(place)
            return str.__getitem__(self, place)

    (found,) = TextPlaces("one two three four five").run_spans(Read(markdown), [run])
    assert (found.start, len(read)) == (0, 1)
