"""Sentence ends are looked for where they may begin, and are those of looking everywhere."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.chunking import sentences
from atlas.domain.chunking.sentences import Cuttable

PIECES = st.sampled_from(
    [
        *(
            ".",
            "!",
            "…",
            "。",
            "！",
            ".”",
            ")",
            "*",
            "_",
            "e.g",
            "Dr",
            "A",
            "b",
            " ",
            "\t",
            "\n",
            "7",
        ),
        *(
            "ก",
            "ខ",
            "\u00a0",
            "\u200b",
            "।",
            "、",
            "`",
            "https://x.example/a. ",
            "[a. B](c)",
            "`d. E`",
        ),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join), st.data())
def test_an_end_is_found_wherever_one_is(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    part = Cuttable(text, start, end)
    everywhere = sentences._sentence_end().finditer(text, start, end)
    places = [each.end() for each in everywhere if each.end() < end]
    assert part.sentences() == [start, *filter(part._allowed, places)]
