"""Dates as people write them: numbers in every common order, names of months in forty languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_OLDEST = 1990  # the web's first year; an older date is the subject's, not the page's
_NEWEST = 2099
_BUDDHIST = 543  # years that the calendar of Thailand is ahead
_STAMP = 64  # characters of a time stamp that are read

# How the names of each month begin; the longest beginning decides. Letters alone: months that are
# numbered (Chinese, Japanese, Korean, Vietnamese) are found by their signs.
# fmt: off
_MONTHS = (
    "jan ene gen ian ion xan jän gener jaan sty stycz led tammi oca sau sij siječ urt jen ιαν "
    "янв січ студз яну јан ינו בינו يناير जन জানু มกราคม janv",
    "feb fév fev chw febr feabh helmi lut úno únor şub vas veebr velj peb shk ots φεβ фев лют "
    "лютаг פבר בפבר فبراير फ़र फर ফেব্রু กุมภาพันธ์",
    "mar mär mac mrt mrz már mär břez maal maalis kov ožu marš mawrth μαρ μάρ мар бер берез "
    "сак מרץ במרץ מרס مارس मार्च মার্চ มีนาคม maart",
    "apr abr avr ápr dub huhti kwie nis tra trav bal aib ebr pri prill απρ апр квіт крас אפר "
    "באפר أبريل ابريل अप्रैल এপ্রিল เมษายน",
    "mai may maj mag maí mei máj maio mayo květ touko svib geg bealt maig mayıs μάι μαΐ μαι "
    "мая май мај трав травня מאי במאי مايو मई মে พฤษภาคม",
    "jun giu jún juin cze čer červn červen kesä haz birž lipnj meith meh iun qer ιουν ιούν "
    "июн черв чэрв юни јун יוני ביוני يونيو يونية जून জুন มิถุนายน",
    "jul juil lug júl lip lipc lipie červenc červenec heinä tem liep srpnj gorff iúil iul "
    "korr ιουλ ιούλ июл лип юли јул יולי ביולי يوليو يولية जुल জুলাই กรกฎาคม",
    "aug aoû aou ago ágú avg sie sierp srp srpn elo ağu agust kolov rugpj lún awst gush αυγ "
    "αύγ авг серп жнів אוג באוג أغسطس اغسطس अग আগস্ট สิงหาคม",
    "sep set wrz zář syys eyl szept ruj rugs mfómh medi shtat σεπ сен сеп вер верас септ ספט "
    "בספט سبتمبر सित সেপ্টে กันยายน",
    "oct okt out ott paź paz říj ruj loka eki spal lis hydref tet οκτ окт жов жовт кастр אוק "
    "באוק أكتوبر اكتوبر अक्ट अक्तू অক্টো ตุลาคม",
    "nov nóv noi listopad marras kas lapkr stude samh tach nën νοε νοέ ноя нояб нов листоп "
    "листопад лістап נוב בנוב نوفمبر नव নভে พฤศจิกายน",
    "dec déc dez des dic dié gru pro prosin joulu ara gruod rhag noll dhj det δεκ дек груд "
    "сне снеж דצמ בדצמ ديسمبر दिस ডিসে ธันวาคม",
)
# fmt: on
_MONTH_OF = {stem: 1 + at for at, stems in enumerate(_MONTHS) for stem in stems.split()}
_STEMS = "|".join(sorted(map(re.escape, _MONTH_OF), key=len, reverse=True))
_NAME = rf"(?P<name>{_STEMS})[^\s\d,.]{{0,14}}"
_YEAR = r"(?P<year>(?:19|20|25)\d\d)(?!\d)"
_FORMS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>(?:19|20)\d\d)\s?[-/.年년]\s?(?P<month>\d{1,2})\s?[-/.月월]\s?"
        r"(?P<day>\d{1,2})(?!\d)",
        rf"(?<![\d.])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|ª|\.|-?го)?[\s-]*(?:de |of |d[’'])?"
        rf"\s*{_NAME}\.?,?[\s-]*(?:de |del |ל)?\s*{_YEAR}",
        rf"(?<!\w){_NAME}\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}",
        rf"(?<!\d)(?P<year>(?:19|20)\d\d)[.,]?\s*(?:m\.\s*)?{_NAME}\.?\s+(?P<day>\d{{1,2}})(?!\d)",
        r"(?<!\d)(?P<day>\d{1,2})\s+tháng\s+(?P<month>\d{1,2}),?\s+(?:năm )?"
        r"(?P<year>(?:19|20)\d\d)(?!\d)",
        r"(?<![\d/.-])(?P<one>\d{1,2})(?P<sep>[/.-])\s?(?P<two>\d{1,2})(?P=sep)\s?"
        r"(?P<year>(?:19|20)\d\d)(?!\.?\d)",
    )
)
_IN_PATH = re.compile(
    r"/(?P<year>(?:19|20)\d\d)[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2})(?=[/_.-]|$)"
    r"|[/_-](?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?=[/_.-]|$)"
)
_MONTH_FIRST = ("en-us", "en-ph")


class WrittenDate(NamedTuple):
    """A date within a text, and where it stands."""

    start: int
    end: int
    day: date


def dates_in(text: str, language: str = "") -> list[WrittenDate]:
    """The dates that a text names, in order. `language` (BCP 47) decides what 3/4/2024 means: the
    month is first in English, unless its region says otherwise."""
    found = [each for form in _FORMS for each in _found(form, text, language)]
    return sorted(found)


def _found(form: re.Pattern[str], text: str, language: str) -> Iterator[WrittenDate]:
    for match in form.finditer(text):
        groups = match.groupdict()
        year = int(groups["year"])
        if year > _NEWEST:
            year -= _BUDDHIST
        if "one" in groups:
            month, day = _in_order(match, language)
        elif name := groups.get("name"):
            # Not every letter that matches in the other case is a stem's own: ſ, İ.
            month, day = _MONTH_OF.get(name.lower(), 0), int(groups["day"])
        else:
            month, day = int(groups["month"]), int(groups["day"])
        if found := _date(year, month, day):
            yield WrittenDate(match.start(), match.end(), found)


def _in_order(match: re.Match[str], language: str) -> tuple[int, int]:
    """Month and day of two numbers: a dot or a hyphen never parts them in the American order."""
    one, two = int(match["one"]), int(match["two"])
    tag = language.replace("_", "-").lower()
    american = match["sep"] == "/" and (tag in ("", "en") or tag.startswith(_MONTH_FIRST))
    if two > 12 or (american and one <= 12):
        return one, two
    return two, one


def date_in_path(path: str) -> date | None:
    """The date that the path of an address names, as in `/2024/03/12/` or `-20240312.html`."""
    match = _IN_PATH.search(path)
    if match is None:
        return None
    numbers = [int(each) for each in match.groups() if each]
    return _date(*numbers)


def parse_date(value: str) -> datetime | None:
    """ISO 8601 or RFC 5322 to UTC; a time without zone counts as UTC, implausible years as none."""
    stamp = _stamp(value)
    return stamp and stamp.astimezone(UTC)


def moment_in(value: str, language: str = "") -> datetime | None:
    """The time stamp, or else the first date as people write it, at midnight in UTC."""
    stated = stated_moment(value, language)
    return stated and stated.astimezone(UTC)


def stated_moment(value: str, language: str = "") -> datetime | None:
    """As `moment_in`, but in the time zone that the stamp names: there it is the day that the
    page's readers see."""
    if stamp := _stamp(value):
        return stamp
    written = dates_in(value[:200], language)
    return datetime.combine(written[0].day, datetime.min.time(), UTC) if written else None


def _stamp(value: str) -> datetime | None:
    text = value.strip()[:_STAMP]
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
            aware = found if found.tzinfo else found.replace(tzinfo=UTC)
            year = aware.astimezone(UTC).year
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        return aware if _OLDEST <= year <= _NEWEST else None
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if _OLDEST <= year <= _NEWEST else None
