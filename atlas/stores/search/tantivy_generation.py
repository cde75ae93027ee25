"""A generation of the search index as a folder of tantivy's files; tantivy is imported here only.

tantivy commits documents and deletions as a whole, but its Python binding gives a commit no
payload: the cursor is a document of its own, replaced in the same commit. A second process that
opens a generation to write to it is refused by tantivy's lock on the folder; reading needs no lock.
"""

from __future__ import annotations

import json
import re
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Document, FieldType, Index, Occur, Query

from atlas.domain.index_parts import Field, LexemeQuery, field_of
from atlas.domain.search import ranking
from atlas.domain.search.analysis import PhraseWord, QueryTerm
from atlas.domain.search.ranking import CountedTerm, LengthFactors
from atlas.domain.search.score_explanation import ScoredTerm, read_explanation
from atlas.stores.search.near_terms import SAME_LETTERS, nearest_terms, one_edit
from atlas.stores.search.port import (
    LIVE,
    NEAR_EDITS,
    DamagedGeneration,
    EngineUnavailable,
    IndexedText,
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
    part_document,
)

_HEAP = 50_000_000
"""Bytes that a writer may fill before it writes a segment; tantivy asks for 15 MB at least."""
_LOOKED_THROUGH = 2_000
"""Parts beyond the limit that are put in order exactly; which these are, tantivy's own order
decides."""
_NEAR_TERMS = 50
"""Terms near to one, beyond which others are too far or too rare to be meant."""
_HAS_TITLES = 4
"""The first layout with a field for the title."""
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
        self._tokens = 0
        # Reloading and writing each by one thread at a time; searching needs neither.
        self._reading = threading.Lock()
        self._writing = threading.Lock()

    def make(self, origin: IndexOrigin, cursor: int) -> None:
        """Make it, with nothing but its state."""
        with self._errors():
            writer = _registered(Index(_SCHEMA, str(self._folder))).writer(_HEAP, 1)
            _put_state(writer, origin, cursor)
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
                texts=_count_of(searcher.search(_FIRST_PARTS, 1)),
                parts=searcher.num_docs - 1,
                tokens=self._tokens,
                size=_size(self._folder),
            )

    def apply(self, changes: TextChanges) -> None:
        """Make one step as one commit."""
        with self._writing, self._errors():
            index = self._current()
            state = _state(index.searcher(), self._folder)
            if new := self._writer is None:
                self._writer = index.writer(_HEAP, 1)
            try:
                if new:
                    # A writer killed before its commit leaves files. The step made again gives
                    # its lists of removed documents the same names; tantivy overwrites no file.
                    self._writer.garbage_collect_files()
                for text in changes.put:
                    self._writer.delete_documents_by_term("text", text.text_hash.hex())
                    for document in _documents(text):
                        self._writer.add_document(document)
                for removed in changes.remove:
                    self._writer.delete_documents_by_term("text", removed.hex())
                _put_state(self._writer, IndexOrigin.read(state), changes.cursor)
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
            wanted = Query.term_set_query(_SCHEMA, "page", list(pages))
            count = _count(searcher, wanted)
            hits = searcher.search(wanted, count, count=False).hits if count else []
            return {bytes.fromhex(searcher.doc(at)["text"][0]) for _, at in hits}

    def texts_until(self, before: int, limit: int) -> set[bytes]:
        """Some of the past texts that ended before that second."""
        with self._errors():
            searcher = self._current().searcher()
            hits = searcher.search(_ended(before - 1), limit, count=False).hits
            return {bytes.fromhex(searcher.doc(at)["text"][0]) for _, at in hits}

    def parts_of(self, beginning: str) -> dict[bytes, int]:
        """How many parts it has of each text whose hash begins so, in hex."""
        with self._errors():
            searcher = self._current().searcher()
            wanted = Query.regex_query(_SCHEMA, "text", f"{beginning}[0-9a-f]*")
            count = _count(searcher, wanted)
            hits = searcher.search(wanted, count, count=False).hits if count else []
            return Counter(bytes.fromhex(searcher.doc(at)["text"][0]) for _, at in hits)

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
            wanted = _tantivy_query(terms, query, scope, self._origin)
            best, total = _best(searcher, wanted, limit, self._factors)
            return PartMatches(tuple(best), total, counted)

    def explain(
        self, terms: Sequence[QueryTerm], match: PartMatch
    ) -> list[tuple[QueryTerm, ScoredTerm]]:
        """What each term of a part adds to its score."""
        with self._errors():
            searcher = self._current().searcher()
            text = _exactly("text", match.text_hash.hex())
            parts = searcher.search(text, _count(searcher, text) or 1, count=False).hits
            for _, at in parts:
                if searcher.doc(at).get_first("start") == match.start:
                    return list(_scored(searcher, terms, at, self._factors))
            return []

    def texts_near(self, lexeme: str, scope: TextScope, limit: int) -> list[bytes]:
        """Texts with terms that are near to one that it does not have."""
        with self._errors():
            searcher = self._current().searcher()
            if not lexeme.isalpha() or searcher.doc_freq("body", lexeme):
                return []
            for near in _near(searcher, lexeme):
                parts = [(Occur.Must, each) for each in (near, *_within(scope))]
                if self._origin.past:
                    parts.append((Occur.MustNot, _ended(LIVE - 1)))
                hits = searcher.search(Query.boolean_query(parts), limit, count=False).hits
                if hits:
                    return [bytes.fromhex(searcher.doc(at)["text"][0]) for _, at in hits]
            return []

    def _current(self) -> Index:
        """The index as it was last committed, by this process or another."""
        with self._reading:
            # Every commit replaces this file. Looking at it costs 2 µs, reloading 2 ms.
            meta = (self._folder / "meta.json").stat()
            seen = meta.st_ino, meta.st_mtime_ns
            if self._index is None:
                self._index = _registered(Index.open(str(self._folder)))
                self._index.config_reader("manual")  # else a thread watches the folder
            if seen != self._seen:
                self._index.reload()
                searcher = self._index.searcher()
                average, self._tokens = _lengths(searcher)
                self._factors = LengthFactors(average)
                self._origin = IndexOrigin.read(_state(searcher, self._folder))
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


def _near(searcher: tantivy.Searcher, lexeme: str) -> Iterator[Query]:
    """Terms one edit from a lexeme; then those of two edits."""
    yield Query.regex_query(_SCHEMA, "body", one_edit(lexeme))
    alike = searcher.terms_with_prefix("body", lexeme[:SAME_LETTERS])
    if terms := nearest_terms(lexeme, alike, NEAR_EDITS, _NEAR_TERMS):
        yield Query.boolean_query([(Occur.Should, _exactly("body", each)) for each in terms])


_NO_ROOM = ("os error 28", "os error 122")  # ENOSPC, EDQUOT, as Rust spells them


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("state", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("page", indexed=True)  # of a text's first part
    for name in ("start", "end"):
        builder.add_unsigned_field(name, stored=True)
    builder.add_unsigned_field("length", fast=True)
    builder.add_text_field("body", tokenizer_name="lexemes", index_option="position")
    for name in ("prefixes", "initials"):
        builder.add_text_field(name, tokenizer_name="lexemes", index_option="freq")
    for name in ("source", "language", "host"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    # Last, so that the fields before keep their places in a generation of the first layout.
    for name in ("since", "until", "published"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_text_field("title", tokenizer_name="lexemes", index_option="position")
    return builder.build()


_SCHEMA = _schema()
_FIRST_PARTS = Query.range_query(
    _SCHEMA, "page", FieldType.Integer, 0, None, use_inverted_index=True
)
"""One of each text: the others of it name no page."""


def _registered(index: Index) -> Index:
    blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("lexemes", blanks)
    return index


def _documents(text: IndexedText) -> Iterator[Document]:
    for number in range(len(text.parts)):
        yield Document.from_dict(part_document(text, number), _SCHEMA)


def _put_state(writer: Any, origin: IndexOrigin, cursor: int) -> None:
    writer.delete_documents_by_term("text", _STATE)
    said = json.dumps({**asdict(origin), "cursor": cursor})
    writer.add_document(Document(text=_STATE, state=said))


def _state(searcher: tantivy.Searcher, folder: Path) -> dict[str, Any]:
    found = searcher.search(_exactly("text", _STATE), 1, count=False).hits
    if not found:
        raise DamagedGeneration(
            f"the search index in {folder} does not say how far it has read; "
            "a worker, or `atlas index follow`, builds another"
        )
    state: dict[str, Any] = json.loads(str(searcher.doc(found[0][1]).get_first("state")))
    return state


def _best(
    searcher: tantivy.Searcher, query: Query, limit: int, factors: LengthFactors
) -> tuple[list[PartMatch], int]:
    """The best parts by the exact BM25, and how many match.

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
    matches = [_match(searcher.doc(at), score) for score, at in rounded if score >= enough]
    matches.sort(key=lambda match: (-match.score, match.text_hash, match.start))
    return matches[:limit], _count_of(found)


def _within_reach(
    hits: Sequence[tuple[float, tantivy.DocAddress]], limit: int
) -> Sequence[tuple[float, tantivy.DocAddress]]:
    """Those that may be among the best: the exact score of the others is too low."""
    if len(hits) <= limit:
        return hits
    low = ranking.LEAST_FACTOR * hits[limit - 1][0]
    return hits[: bisect_left(hits, -low, key=lambda hit: -hit[0])]


def _tied(score: float) -> float:
    """Rounded, so that equal texts tie whatever the order in which terms were added up."""
    return float(f"{score:.6g}")


def _match(document: Document, score: float) -> PartMatch:
    (text,), (start,), (end,) = document["text"], document["start"], document["end"]
    return PartMatch(bytes.fromhex(text), start, end, score)


def _lengths(searcher: tantivy.Searcher) -> tuple[float, int]:
    """The average length of a part, and the length of all together."""
    asked = {"length": {"stats": {"field": "length"}}}
    found = searcher.aggregate(Query.all_query(), asked)["length"]
    return float(found["avg"] or 1.0), int(found["sum"] or 0)


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    return _count_of(searcher.search(query, 1))


def _count_of(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # its stubs leave it out


def _tantivy_query(
    terms: Sequence[QueryTerm], query: LexemeQuery, scope: TextScope, origin: IndexOrigin
) -> Query:
    either = Query.boolean_query([(Occur.Should, _weighed(term)) for term in terms])
    demands = [*map(_phrase, query.phrases), *map(_one_of, query.either), *_within(scope)]
    demands += _titled(query.titles, origin)
    parts = [(Occur.Must, either), *((Occur.Must, _unscored(each)) for each in demands)]
    parts += [(Occur.MustNot, _phrase(each)) for each in query.without]
    if scope.at is not None:
        parts.append((Occur.MustNot, _ended(scope.at - 1)))
        parts.append((Occur.MustNot, _number_range("since", scope.at + 1, None)))
    elif origin.past:  # else nothing has to be left out, and a common word is answered faster
        parts.append((Occur.MustNot, _ended(LIVE - 1)))
    return Query.boolean_query(parts)


def _ended(until: int) -> Query:
    """Parts whose texts were live until then, or not so long."""
    return _number_range("until", None, until)


def _number_range(name: str, lower: int | None, upper: int | None) -> Query:
    return Query.range_query(_SCHEMA, name, FieldType.Integer, lower, upper)


def _counted(terms: Sequence[QueryTerm], searcher: tantivy.Searcher) -> tuple[CountedTerm, ...]:
    """The terms that count, and in how many parts each is."""
    counted = [CountedTerm(term, searcher.doc_freq(*field_of(term))) for term in terms]
    return tuple(ranking.terms_that_count(counted))


def _weighed(term: QueryTerm) -> Query:
    found = _term(*field_of(term))
    return found if term.weight == 1 else Query.boost_query(found, float(term.weight))


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
            said = _weighed(term).explain(searcher, at)
        except ValueError:
            continue  # the part does not have it
        tree = json.loads(said.to_json())
        yield term, read_explanation(term, tree, factor=factor, length=length)


def _term(name: Field, lexeme: str) -> Query:
    return Query.term_query(_SCHEMA, name, lexeme, index_option="freq")


def _exactly(name: str, value: object) -> Query:
    return Query.term_query(_SCHEMA, name, value, index_option="basic")


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _phrase(words: Sequence[PhraseWord]) -> Query:
    if len(words) == 1:
        return _term(*field_of(QueryTerm(words[0].lexeme, words[0].prefix)))
    return _side_by_side("body", words)


def _titled(titles: Sequence[Sequence[PhraseWord]], origin: IndexOrigin) -> Iterator[Query]:
    """What the title must have. Of a generation without a field for it, which serves until another
    is built: what all of the part must have, where that can be looked for."""
    for words in titles:
        if origin.layout < _HAS_TITLES:
            if len(words) == 1 or not any(word.prefix for word in words):
                yield _phrase(words)
        elif len(words) == 1:
            yield Query.regex_query(_SCHEMA, "title", _pattern(words[0]))
        else:
            yield _side_by_side("title", words)


def _side_by_side(name: str, words: Sequence[PhraseWord]) -> Query:
    if any(word.prefix for word in words):
        patterns = [(word.offset, _pattern(word)) for word in words]
        return Query.regex_phrase_query(_SCHEMA, name, patterns)  # type: ignore[arg-type]
    placed = [(word.offset, word.lexeme) for word in words]
    return Query.phrase_query(_SCHEMA, name, placed)  # type: ignore[arg-type]


def _pattern(word: PhraseWord) -> str:
    # Names such as C++ are lexemes as well: their signs mean themselves.
    return re.escape(word.lexeme) + (".*" if word.prefix else "")


def _one_of(phrases: Sequence[Sequence[PhraseWord]]) -> Query:
    return Query.boolean_query([(Occur.Should, _phrase(each)) for each in phrases])


def _within(scope: TextScope) -> Iterator[Query]:
    for name in ("source", "language"):
        if (wanted := getattr(scope, name)) is not None:
            yield _exactly(name, wanted)
    for name in ("source", "language", "host"):
        if any_of := getattr(scope, f"{name}s"):
            yield Query.boolean_query([(Occur.Should, _exactly(name, each)) for each in any_of])
    if scope.published_from is not None:
        yield _number_range("published", scope.published_from, None)
    if scope.published_before is not None:
        yield _number_range("published", None, scope.published_before - 1)
    if scope.texts is not None:
        yield Query.term_set_query(_SCHEMA, "text", [each.hex() for each in scope.texts])
