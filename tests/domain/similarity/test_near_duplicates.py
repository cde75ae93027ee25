"""Near-duplicate sketches: stable, blind to form, and good at telling edited from other."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.similarity.near_duplicates import SKETCH_VERSION, THRESHOLD, similarities, sketch
from atlas.domain.similarity.sketches import BANDS, SIGNATURE_BYTES, Sketch

VOCABULARY = [f"word{number}" for number in range(2000)]


def meet(one: Sketch, other: Sketch) -> bool:
    """Whether two texts are candidates and verified."""
    if not set(one.bands) & set(other.bands):
        return False
    return similarities([one.signature], [other.signature])[0] >= THRESHOLD


def essay(rng: random.Random, words: int = 300) -> list[str]:
    return rng.choices(VOCABULARY, k=words)


def edited(rng: random.Random, words: list[str], share: float) -> list[str]:
    return [rng.choice(VOCABULARY) if rng.random() < share else word for word in words]


def test_the_output_of_this_version_is_frozen() -> None:
    found = sketch("The keeper wrote down the weather every evening. 灯塔看守人每天晚上")
    assert (SKETCH_VERSION, found.bands[0], found.signature[:4].hex()) == (
        2,
        4046770513474915986,
        "279baf03",
    )


@given(st.text())
def test_the_shape_is_always_the_same(text: str) -> None:
    found = sketch(text)
    assert (len(found.bands), len(found.signature)) in [(BANDS, SIGNATURE_BYTES), (0, 0)]
    assert all(-(2**63) <= band < 2**63 for band in found.bands)
    assert sketch(text) == found


@given(st.lists(st.sampled_from(["fog", "灯塔", "หมอก", "7"]), min_size=1, max_size=12))
def test_case_space_and_punctuation_do_not_count(words: list[str]) -> None:
    assert sketch(" ".join(words)) == sketch("\n… ".join(words).upper() + "!")


@given(st.lists(st.sampled_from(VOCABULARY[:50]), min_size=1, max_size=60))
def test_a_text_is_entirely_similar_to_itself(words: list[str]) -> None:
    found = sketch(" ".join(words))
    assert similarities([found.signature], [found.signature]) == [1.0]


@pytest.mark.parametrize(("share", "floor"), [(0.05, 1.0), (0.1, 1.0), (0.2, 0.95)])
def test_edited_texts_are_found(share: float, floor: float) -> None:
    rng = random.Random(5)
    essays = [essay(rng) for _ in range(100)]
    found = sum(
        meet(sketch(" ".join(words)), sketch(" ".join(edited(rng, words, share))))
        for words in essays
    )
    assert found / len(essays) >= floor


def test_other_texts_are_not_found() -> None:
    rng = random.Random(6)
    sketches = [sketch(" ".join(essay(rng))) for _ in range(150)]
    assert not any(meet(a, b) for n, a in enumerate(sketches) for b in sketches[:n])


def test_unspaced_scripts_are_compared_by_characters() -> None:
    rng = random.Random(7)
    text = "".join(chr(rng.randrange(0x4E00, 0x5E00)) for _ in range(400))
    changed = "".join("灯" if rng.random() < 0.05 else character for character in text)
    other = "".join(chr(rng.randrange(0x4E00, 0x5E00)) for _ in range(400))
    assert meet(sketch(text), sketch(changed))
    assert not meet(sketch(text), sketch(other))


def test_texts_of_an_alphabet_without_spaces_are_told_apart() -> None:
    """Two of any Thai texts share a third of their pairs of letters."""
    rng = random.Random(11)
    letters = "กขคงจชซญดตถทนบปผพฟมยรลวสหอาิีุูเแโใไ่้"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 6))) for _ in range(3000)]
    texts = ["".join(rng.choices(words, k=150)) for _ in range(80)]
    sketches = [sketch(text) for text in texts]
    assert not any(meet(a, b) for n, a in enumerate(sketches) for b in sketches[:n])
    shares = similarities([sketches[0].signature] * 79, [other.signature for other in sketches[1:]])
    assert max(shares) < THRESHOLD / 2

    copies = ["".join(edited_runs(rng, text, words)) for text in texts]
    found = sum(meet(a, sketch(b)) for a, b in zip(sketches, copies, strict=True))
    assert found >= 76, "of 80, with every fifth piece of them replaced"


def edited_runs(rng: random.Random, text: str, words: list[str]) -> list[str]:
    runs = [text[at : at + 4] for at in range(0, len(text), 4)]
    return [rng.choice(words) if rng.random() < 0.2 else run for run in runs]


@pytest.mark.parametrize("text", ["", " ", "—…!", "\u200b"])
def test_a_text_without_a_word_has_no_sketch(text: str) -> None:
    assert sketch(text) == Sketch((), b"")


def test_short_texts_meet_only_their_equals() -> None:
    assert meet(sketch("page not found"), sketch("Page not found."))
    assert not meet(sketch("page not found"), sketch("page not here"))
    assert not meet(sketch("one"), sketch("two"))


def test_a_very_long_text_is_hashed_in_chunks() -> None:
    rng = random.Random(8)
    words = essay(rng, 20_000)
    assert meet(sketch(" ".join(words)), sketch(" ".join(words[:-50])))
