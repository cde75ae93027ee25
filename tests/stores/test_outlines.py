"""The outline of a text is kept with its document, and is that of the text beside it."""

from atlas.domain.extraction.outline import OutlineSection
from tests.stores.drive import Drive

URL = "https://example.org/a"
TEXT = "# Lamp\n\nIt is lit at dusk.\n\n## Oil\n\nOf whales, once."


async def test_it_is_read_with_the_document(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {URL: TEXT})
    found = await drive.document(URL)
    assert found.outline == (
        OutlineSection(0, 1, "Lamp", "lamp"),
        OutlineSection(28, 2, "Oil", "oil"),
    )


async def test_of_an_older_text_none_is_known(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {URL: TEXT})
    await drive.pool.execute("update documents set outline = null")
    assert (await drive.document(URL)).outline is None


async def test_one_that_has_no_heading_is_empty(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {URL: "No heading."})
    assert (await drive.document(URL)).outline == ()


async def test_a_text_that_differs_in_blanks_brings_its_own_outline(drive: Drive) -> None:
    """Both have one text hash and so one row: places count characters of the text in it."""
    await drive.add("docs")
    await drive.run("docs", {URL: TEXT})
    await drive.run("docs", {URL: TEXT.replace("\n\n", "\n\n\n")})
    found = await drive.document(URL)
    assert found.outline is not None
    assert (found.version, found.outline[1].start) == (1, 30)
    assert found.text[30:].startswith("## Oil")
