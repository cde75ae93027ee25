"""Which languages a script leaves open: most scripts are one language's, or a few's."""

import re
from typing import NamedTuple


class Script(NamedTuple):
    """A script: its characters as ranges for a pattern, the languages written in it (ISO 639, the
    likeliest first), and how many letters of an alphabet one of its characters is worth."""

    ranges: str
    languages: tuple[str, ...]
    worth: int = 1


_KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\uff66-\uff9d"
HAN = Script("\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff", ("zh", "ja", "yue", "wuu"), 3)
JAPANESE = Script(_KANA, ("ja",), 3)
# fmt: off
SCRIPTS = (
    HAN,
    JAPANESE,
    Script("\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3", ("ko",), 3),
    Script("\u0370-\u03ff\u1f00-\u1fff", ("el",)),
    Script("\u0400-\u052f", (
        "ru", "uk", "bg", "sr", "be", "mk", "kk", "ky", "mn", "tg", "tt", "ba", "cv", "os", "sah",
        "ce", "mhr", "mrj", "myv", "kv", "av", "lez", "krc", "rue", "tyv", "xal", "sh",
    )),
    Script("\u0530-\u058f", ("hy",)),
    Script("\u0590-\u05ff", ("he", "yi")),
    Script("\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff", (
        "ar", "fa", "ur", "ps", "ckb", "sd", "ug", "arz", "azb", "pnb", "mzn", "ks",
    )),
    Script("\u0780-\u07bf", ("dv",)),
    Script("\u0900-\u097f", ("hi", "mr", "ne", "sa", "bh", "mai", "gom", "new", "dty")),
    Script("\u0980-\u09ff", ("bn", "as", "bpy")),
    Script("\u0a00-\u0a7f", ("pa",)),
    Script("\u0a80-\u0aff", ("gu",)),
    Script("\u0b00-\u0b7f", ("or",)),
    Script("\u0b80-\u0bff", ("ta",)),
    Script("\u0c00-\u0c7f", ("te",)),
    Script("\u0c80-\u0cff", ("kn",)),
    Script("\u0d00-\u0d7f", ("ml",)),
    Script("\u0d80-\u0dff", ("si",)),
    Script("\u0e00-\u0e7f", ("th",), 2),
    Script("\u0e80-\u0eff", ("lo",), 2),
    Script("\u0f00-\u0fff", ("bo", "dz")),
    Script("\u1000-\u109f\uaa60-\uaa7f", ("my",), 2),
    Script("\u10a0-\u10ff\u1c90-\u1cbf", ("ka", "xmf")),
    Script("\u1200-\u139f", ("am", "ti")),
    Script("\u1780-\u17ff", ("km",), 2),
)
# fmt: on
_BEYOND_LATIN = re.compile("[^\x00-\u036f\u1e00-\u1eff\u2000-\u206f]+")
_PATTERNS = [(script, re.compile(f"[{script.ranges}]+")) for script in SCRIPTS]
_SOME = 12  # characters for each one that makes a few
_HAN_PER_KANA = 10  # Han characters for each kana: a Japanese text has more kana than that


_DENSE = [
    (script.worth - 1, re.compile(f"[{script.ranges}]+")) for script in SCRIPTS if script.worth > 1
]
_ANY_DENSE = re.compile("[" + "".join(s.ranges for s in SCRIPTS if s.worth > 1) + "]")


def letters_of(text: str) -> int:
    """How long a text is in letters of an alphabet: a character of Chinese says as much as three,
    so that what counts as a long paragraph is the same in every language."""
    if text.isascii() or not _ANY_DENSE.search(text):
        return len(text)
    more = sum(extra * sum(map(len, pattern.findall(text))) for extra, pattern in _DENSE)
    return len(text) + more


def script_of(text: str) -> Script | None:
    """The script that most of the text is in; None for Latin letters, or where no script has half.

    A text of Han characters among which kana stand is Japanese.
    """
    beyond = "".join(_BEYOND_LATIN.findall(text))
    if not beyond:
        return None
    found = {script: sum(map(len, p.findall(beyond))) for script, p in _PATTERNS}
    kana = found[JAPANESE]
    if kana * _HAN_PER_KANA >= found[HAN]:
        found[JAPANESE], found[HAN] = kana + found[HAN], 0
    latin = sum(map(str.isalpha, text)) - sum(map(str.isalpha, beyond))
    most = max(found, key=lambda script: found[script] * script.worth)
    weight = found[most] * most.worth
    every = latin + sum(count * script.worth for script, count in found.items())
    return most if 2 * weight > every else None


def has_some(text: str, language: str) -> bool:
    """Whether a few of the characters are of a script that the language is written in."""
    found = sum(
        sum(map(len, pattern.findall(text))) * script.worth
        for script, pattern in _PATTERNS
        if language in script.languages
    )
    return _SOME * found >= len(text)


ELSEWHERE = frozenset(language for script in SCRIPTS for language in script.languages) - {
    "sr", "sh", "kk", "az", "tt", "ku",  # written in Latin letters too
}  # fmt: skip
"""Languages that are not written in Latin letters: a page in those that declares one is wrong."""
