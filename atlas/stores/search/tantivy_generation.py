"""A generation of the search index as a folder of tantivy's files.

tantivy commits documents and deletions as a whole, but its Python binding gives a commit no
payload: the cursor is a document of its own, replaced in the same commit. A second process that
opens a generation to write to it is refused by tantivy's lock on the folder; reading needs no lock.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Document, Index, Occur, Query

from atlas.domain.search import ranking
from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.common_pairs import MOST_WORDS, CommonWords
from atlas.domain.search.index_parts import LexemeQuery, field_of
from atlas.domain.search.ranking import CountedTerm, LengthFactors
from atlas.domain.search.score_explanation import ScoredTerm, read_explanation
from atlas.stores.search.port import (
    LIVE,
    DamagedGeneration,
    EngineUnavailable,
    IndexInUse,
    IndexOrigin,
    MissingGeneration,
    PartMatch,
    PartMatches,
    QueryTooBroad,
    SearchIndexError,
    StoredGeneration,
    TextChanges,
    TextScope,
)
from atlas.stores.search.tantivy_parts import (
    FIRST_PARTS,
    PAIRS,
    SCHEMA,
    Hits,
    documents,
    new_index,
    opened_index,
    parts_of_hits,
    texts_of_hits,
)
from atlas.stores.search.tantivy_query import (
    ended,
    exactly,
    near_queries,
    tantivy_query,
    weighed,
    within,
)

_HEAP = 50_000_000
"""Bytes that a writer may fill before it writes a segment; tantivy asks for 15 MB at least."""
_LOOKED_THROUGH = 2_000
"""Parts beyond the limit that are put in order exactly; which these are, tantivy's own order
decides."""
_STATE = "state"
"""Stands in the field `text` of the document that keeps the cursor: no hash is spelled so."""


class TantivyGeneration:
    """One folder of tantivy's. Everything in it blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: Index | None = None
        self._writer: Any = None
        self._seen: tuple[int, int] | None = None
        self._factors = LengthFactors(1.0)
        self._origin: IndexOrigin
        self._common = CommonWords()
        self._tokens = 0
        # Reloading and writing each by one thread at a time; searching needs neither.
        self._reading = threading.Lock()
        self._writing = threading.Lock()

    def make(self, origin: IndexOrigin, cursor: int) -> None:
        """Make it, with nothing but its state."""
        with self._errors():
            writer = new_index(self._folder).writer(_HEAP, 1)
            _put_state(writer, origin, cursor, CommonWords())
            writer.commit()
            writer.wait_merging_threads()

    def stored(self) -> StoredGeneration:
        """What it says of itself."""
        with self._errors():
            searcher = self._current().searcher()
            state = _state(searcher, self._folder)
            return StoredGeneration(
                number=int(self._folder.name),
                origin=IndexOrigin.read(state),
                cursor=state["cursor"],
                texts=_count_of(searcher.search(FIRST_PARTS, 1)),
                parts=searcher.num_docs - 1,
                tokens=self._tokens,
                size=_size(self._folder),
            )

    def apply(self, changes: TextChanges) -> None:
        """Make one step as one commit."""
        with self._writing, self._errors():
            index = self._current()
            state = _state(index.searcher(), self._folder)
            origin, common = IndexOrigin.read(state), CommonWords.read(state)
            if origin.layout >= PAIRS:
                common = _learnt(index.searcher(), common)
            if new := self._writer is None:
                self._writer = index.writer(_HEAP, 1)
            try:
                if new:
                    # A writer killed before its commit leaves files. The step made again gives
                    # its lists of removed documents the same names; tantivy overwrites no file.
                    self._writer.garbage_collect_files()
                for text in changes.put:
                    self._writer.delete_documents_by_term("text", text.text_hash.hex())
                    for document in documents(text, common):
                        self._writer.add_document(document)
                for removed in changes.remove:
                    self._writer.delete_documents_by_term("text", removed.hex())
                _put_state(self._writer, origin, changes.cursor, common)
                self._writer.commit()
            except BaseException:
                # A writer that failed may be unable to go on: the next step opens another, which
                # begins at the last commit.
                self._writer = None
                raise

    def release(self) -> None:
        """Give the lock on the folder back."""
        with self._writing:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.wait_merging_threads()

    def texts_of(self, pages: Sequence[int]) -> set[bytes]:
        """The hashes of the texts that were put with any of these pages."""
        with self._errors():
            searcher = self._current().searcher()
            wanted = Query.term_set_query(SCHEMA, "page", list(pages))
            count = _count(searcher, wanted)
            hits = searcher.search(wanted, count, count=False).hits if count else []
            return set(texts_of_hits(searcher, hits, self._origin))

    def texts_until(self, before: int, limit: int) -> set[bytes]:
        """Some of the past texts that ended before that second."""
        with self._errors():
            searcher = self._current().searcher()
            hits = searcher.search(ended(before - 1), limit, count=False).hits
            return set(texts_of_hits(searcher, hits, self._origin))

    def parts_of(self, beginning: str) -> dict[bytes, int]:
        """How many parts it has of each text whose hash begins so, in hex."""
        with self._errors():
            searcher = self._current().searcher()
            wanted = Query.regex_query(SCHEMA, "text", f"{beginning}[0-9a-f]*")
            count = _count(searcher, wanted)
            hits = searcher.search(wanted, count, count=False).hits if count else []
            return Counter(texts_of_hits(searcher, hits, self._origin))

    def traces(self, texts: Collection[bytes]) -> set[bytes]:
        """The texts that any segment has, removed ones too: a dictionary forgets a term when its
        segment is merged, together with the words of the same parts."""
        with self._errors():
            searcher = self._current().searcher()
            return {text for text in texts if searcher.terms_with_prefix("text", text.hex())}

    def segment_files(self) -> list[Path]:
        """The files of the segments as last committed, whose dictionaries `traces` reads."""
        with self._errors():
            meta = json.loads((self._folder / "meta.json").read_text("utf-8"))
        names = {each["segment_id"].replace("-", "") for each in meta["segments"]}
        return [each for each in self._folder.iterdir() if each.name.partition(".")[0] in names]

    def search(self, query: LexemeQuery, scope: TextScope, limit: int) -> PartMatches:
        """The best parts."""
        with self._errors():
            searcher = self._current().searcher()
            counted = _counted(query.terms, searcher)
            if not counted:
                return PartMatches((), 0)
            terms = [each.term for each in counted]
            wanted = tantivy_query(terms, query, scope, self._origin, self._common)
            best, total = _best(searcher, wanted, limit, self._factors)
            parts = zip(best, parts_of_hits(searcher, best, self._origin), strict=True)
            matches = [PartMatch(*part, score) for (score, _), part in parts]
            matches.sort(key=lambda match: (-match.score, match.text_hash, match.start))
            return PartMatches(tuple(matches[:limit]), total, counted)

    def explain(
        self, terms: Sequence[QueryTerm], match: PartMatch
    ) -> list[tuple[QueryTerm, ScoredTerm]]:
        """What each term of a part adds to its score."""
        with self._errors():
            searcher = self._current().searcher()
            text = exactly("text", match.text_hash.hex())
            hits = searcher.search(text, _count(searcher, text) or 1, count=False).hits
            parts = parts_of_hits(searcher, hits, self._origin)
            for (_, at), (_, start, _) in zip(hits, parts, strict=True):
                if start == match.start:
                    return list(_scored(searcher, terms, at, self._factors))
            return []

    def texts_near(self, lexeme: str, scope: TextScope, limit: int) -> list[bytes]:
        """Texts with terms that are near to one that it does not have."""
        with self._errors():
            searcher = self._current().searcher()
            if not lexeme.isalpha() or searcher.doc_freq("body", lexeme):
                return []
            for near in near_queries(searcher, lexeme):
                parts = [(Occur.Must, each) for each in (near, *within(scope))]
                if self._origin.past:
                    parts.append((Occur.MustNot, ended(LIVE - 1)))
                hits = searcher.search(Query.boolean_query(parts), limit, count=False).hits
                if hits:
                    return list(texts_of_hits(searcher, hits, self._origin))
            return []

    def _current(self) -> Index:
        """The index as it was last committed, by this process or another."""
        with self._reading:
            # Every commit replaces this file. Looking at it costs 2 µs, reloading 2 ms.
            meta = (self._folder / "meta.json").stat()
            seen = meta.st_ino, meta.st_mtime_ns
            if self._index is None:
                self._index = opened_index(self._folder)
                self._index.config_reader("manual")  # else a thread watches the folder
            if seen != self._seen:
                self._index.reload()
                searcher = self._index.searcher()
                average, self._tokens = _lengths(searcher)
                self._factors = LengthFactors(average)
                state = _state(searcher, self._folder)
                self._origin, self._common = IndexOrigin.read(state), CommonWords.read(state)
                self._seen = seen
            return self._index

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """tantivy raises ValueError for nearly everything, and panics over some broken files."""
        try:
            yield
        except SearchIndexError:
            raise
        except (ValueError, OSError) as error:
            raise _named(error, self._folder) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # PyO3's; it has no name to import
                raise
            raise _named(error, self._folder) from error


def _size(folder: Path) -> int:
    """Bytes of its files, but for those that the writer removes meanwhile."""
    size = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def _named(error: BaseException, folder: Path) -> SearchIndexError:
    said = str(error)
    if not (folder / "meta.json").exists():
        return MissingGeneration(
            f"generation {folder.name} of the search index is not in {folder.parent}; "
            "a worker, or `atlas index follow`, builds another"
        )
    if "LockBusy" in said:
        return IndexInUse(f"another process writes to the search index in {folder}")
    if any(number in said for number in _NO_ROOM):
        return EngineUnavailable(f"no room is left for the search index in {folder}; make some")
    if "max expansions" in said:
        return QueryTooBroad()
    return DamagedGeneration(
        f"the search index in {folder} cannot be used: {said}; if that stays, "
        "a worker, or `atlas index follow`, builds another"
    )


_NO_ROOM = ("os error 28", "os error 122")  # ENOSPC, EDQUOT, as Rust spells them


def _put_state(writer: Any, origin: IndexOrigin, cursor: int, common: CommonWords) -> None:
    writer.delete_documents_by_term("text", _STATE)
    said = json.dumps({**asdict(origin), "cursor": cursor, "common": asdict(common)})
    writer.add_document(Document(text=_STATE, state=said))


def _learnt(searcher: tantivy.Searcher, common: CommonWords) -> CommonWords:
    """With the commonest words of the index as it is, where it is time to learn them."""
    parts = searcher.num_docs - 1
    if not common.is_due(parts):
        return common
    # Goes through all lists of words: some seconds for a million parts, and seldom.
    return common.learn(parts, searcher.terms_with_prefix("body", "", limit=MOST_WORDS))


def _state(searcher: tantivy.Searcher, folder: Path) -> dict[str, Any]:
    found = searcher.search(exactly("text", _STATE), 1, count=False).hits
    if not found:
        raise DamagedGeneration(
            f"the search index in {folder} does not say how far it has read; "
            "a worker, or `atlas index follow`, builds another"
        )
    state: dict[str, Any] = json.loads(str(searcher.doc(found[0][1]).get_first("state")))
    return state


def _best(
    searcher: tantivy.Searcher, query: Query, limit: int, factors: LengthFactors
) -> tuple[Hits, int]:
    """The best parts by the exact BM25, those that tie with the last of them included, and how many
    match.

    tantivy's scores are a little too high for long parts, never too low: those beyond the limit are
    asked for as well, since some may be among the best. Once, and many: tantivy's binding scores
    all that match whatever is asked for, which in a large corpus takes longer than all of this.
    """
    found = searcher.search(query, limit + _LOOKED_THROUGH)
    hits = _within_reach(found.hits, limit)
    lengths = searcher.fast_field_values("length", [address for _, address in hits])
    exact = [
        score * factors[int(length or 0)] for (score, _), length in zip(hits, lengths, strict=True)
    ]
    enough = _tied(sorted(exact, reverse=True)[limit - 1]) if len(exact) >= limit else 0.0
    low = enough * (1 - 1e-5)  # below it, none is rounded up to enough
    rounded = [
        (_tied(score), address)
        for score, (_, address) in zip(exact, hits, strict=True)
        if score >= low
    ]
    return [hit for hit in rounded if hit[0] >= enough], _count_of(found)


def _within_reach(hits: Hits, limit: int) -> Hits:
    """Those that may be among the best: the exact score of the others is too low."""
    if len(hits) <= limit:
        return hits
    low = ranking.LEAST_FACTOR * hits[limit - 1][0]
    return hits[: bisect_left(hits, -low, key=lambda hit: -hit[0])]


def _tied(score: float) -> float:
    """Rounded, so that equal texts tie whatever the order in which terms were added up."""
    return float(f"{score:.6g}")


def _lengths(searcher: tantivy.Searcher) -> tuple[float, int]:
    """The average length of a part, and the length of all together."""
    asked = {"length": {"stats": {"field": "length"}}}
    found = searcher.aggregate(Query.all_query(), asked)["length"]
    return float(found["avg"] or 1.0), int(found["sum"] or 0)


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    return _count_of(searcher.search(query, 1))


def _count_of(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # its stubs leave it out


def _counted(terms: Sequence[QueryTerm], searcher: tantivy.Searcher) -> tuple[CountedTerm, ...]:
    """The terms that count, and in how many parts each is."""
    counted = [CountedTerm(term, searcher.doc_freq(*field_of(term))) for term in terms]
    return tuple(ranking.terms_that_count(counted))


def _scored(
    searcher: tantivy.Searcher,
    terms: Sequence[QueryTerm],
    at: tantivy.DocAddress,
    factors: LengthFactors,
) -> Iterator[tuple[QueryTerm, ScoredTerm]]:
    length = int(searcher.fast_field_values("length", [at])[0] or 0)
    factor = factors[length]
    for term in terms:
        try:
            said = weighed(term).explain(searcher, at)
        except ValueError:
            continue  # the part does not have it
        tree = json.loads(said.to_json())
        yield term, read_explanation(term, tree, factor=factor, length=length)
