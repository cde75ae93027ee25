"""Every page of help is whole: what it does, what each option means, and how it is really typed."""

import re
import shlex
from dataclasses import fields

import pytest
from cyclopts import App

from atlas.domain.sources import SourceSpec
from starter.cli import COMMANDS, TOPICS, overview
from starter.cli.framework.app import build
from starter.cli.framework.help_pages import HelpPage, page_of, pages
from starter.sources import SourceRules
from tests.starter.conftest import Atlas

PAGES = {" ".join(page.words): page for page in pages(build())}
COMMAND_PAGES = [page for page in PAGES.values() if not page.verbs]


@pytest.fixture(scope="module")
def app() -> App:
    return build()


def arguments_of(example: str) -> list[str]:
    """What the shell would hand to `atlas`: comment, pipe and variables taken off."""
    words = shlex.split(example, comments=True)
    end = next(
        (at for at, word in enumerate(words) if word in ("|", "||", "&&", ">", "<")), len(words)
    )
    start = next(at for at, word in enumerate(words) if not re.match(r"[A-Z_]+=", word))
    assert words[start] == "atlas", f"an example begins with `atlas`: {example}"
    return words[start + 1 : end]


def test_a_command_says_what_it_does_and_what_each_option_means() -> None:
    for page in COMMAND_PAGES:
        assert page.summary.endswith("."), f"{page.words}: no sentence: {page.summary}"
        silent = [each.label for each in (*page.arguments, *page.options) if not each.help]
        assert not silent, f"{page.words}: these say nothing; give them Parameter(help=…)"


def test_a_command_shows_how_it_is_typed(app: App) -> None:
    for page in COMMAND_PAGES:
        assert 1 <= len(page.examples) <= 4, f"{page.words}: see any other command's docstring"
        for example in page.examples:
            given = arguments_of(example)
            command, _, _ = app.parse_args(given, exit_on_error=False, print_error=False)
            _, (*_, own), _ = app.parse_commands(page.words)
            assert command is own.default_command, example


def test_a_wrong_example_would_be_noticed(app: App) -> None:
    for wrong in ("atlas sync docs --wiat", "atlas runs show", "atlas sync docs -o yaml"):
        with pytest.raises(Exception, match=r"wiat|RUN|yaml"):
            app.parse_args(arguments_of(wrong), exit_on_error=False, print_error=False)


def test_a_group_lists_its_commands_each_with_an_example() -> None:
    for page in (each for each in PAGES.values() if each.verbs):
        assert page.summary.endswith("."), page.words
        assert {(*page.words, verb) for verb, _ in page.verbs} == {
            each.words for each in PAGES.values() if each.words[:-1] == page.words
        }
        assert len(page.examples) >= len(page.verbs)


def test_a_group_that_lists_something_does_so_without_a_verb() -> None:
    listing = {page.words: page.usual for page in PAGES.values() if "list" in dict(page.verbs)}
    assert set(listing.values()) == {"list"}, listing
    groups = {("sources",), ("docs",), ("schedules",), ("runs",), ("hosts",), ("index",)}
    assert groups <= set(listing)


async def test_every_command_has_help_and_stands_in_the_overview(atlas: Atlas) -> None:
    for name, _, _ in COMMANDS:
        ran = await atlas(name, "--help")
        assert ran.code == 0, name
        assert f"Usage: atlas {name}" in ran.out
        assert f"\n  {name} " in overview()


def test_the_overview_names_every_command_under_one_topic() -> None:
    names = [name for topic in TOPICS.values() for name, _, _ in topic]
    assert len(names) == len(set(names)) == len(COMMANDS)
    assert all(f"\n{topic}:\n" in overview() for topic in TOPICS)
    assert max(map(len, overview().splitlines())) <= 80


async def test_a_page_ends_with_its_examples_and_fits_the_screen(atlas: Atlas) -> None:
    ran = await atlas("runs", "show", "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "\nUsage: atlas runs show [OPTIONS] RUN\n" in ran.out
    assert ran.out.rstrip().splitlines()[-1].strip() in PAGES["runs show"].examples
    assert "\x1b" not in ran.out and max(map(len, ran.out.splitlines())) <= 100
    assert (await atlas("help", "runs", "show")).out == ran.out
    assert (await atlas("runs", "show", "docs", "-h")).out == ran.out


async def test_help_for_what_does_not_exist_says_what_does(atlas: Atlas) -> None:
    ran = await atlas("runs", "shwo", "--help")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean show?" in ran.err


async def test_pages_speak_under_the_name_that_was_called(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/temporal-atlas"])
    assert "Usage: temporal atlas COMMAND" in (await atlas("--help")).out
    page = (await atlas("runs", "show", "--help")).out
    assert "Usage: temporal atlas runs show" in page and "\n  temporal atlas runs show" in page
    assert "temporal atlas sync --help" in (await atlas("sync", "--wiat")).err


def test_a_value_that_a_search_may_contain_is_no_question_for_help() -> None:
    page: HelpPage = page_of(build(), ("search",))
    assert page.arguments[0].required and page.arguments[1].repeated


def test_a_rule_of_a_source_is_an_option_and_an_argument_of_the_client() -> None:
    rules = {each.name for each in fields(SourceSpec)} - {"name", "kind", "urls", "paused"}
    assert set(SourceRules.__annotations__) == rules
    spelled = {"cadence": "--every", "tags": "--tag", "ports": "--port"}
    wanted = {spelled.get(name, f"--{name.replace('_', '-')}") for name in rules}
    for command in ("sources add", "sources edit"):
        assert wanted <= {name for each in PAGES[command].options for name in each.names}
    [clear] = [each for each in PAGES["sources edit"].options if each.names == ("--clear",)]
    lifted = ("max-pages", "max-depth", "include", "exclude", "prefix", "tags", "cron", "freshness")
    ruled = ("content", "remove", "ignore", "metadata", "lang")
    assert set(clear.choices) == {*lifted, *ruled, "allow", "ports", "allow-http"}
