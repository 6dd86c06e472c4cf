"""Full-text search over the catalog: PostgreSQL's own, FTS5 on SQLite, with the same answers from both.

What is a word is decided here and not by the database, so both find the same, and nothing that anybody types can be
an operator: a question is made of letters and digits only. Case and accents do not count ("Übersetzung" is found by
"uber"), every word must occur, and each may be the beginning of a longer one, so that one can search as one types.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from django.db import connection
from django.db.models import BooleanField, F, Func, QuerySet, Value

from webapp.adapters.models import Listing

LONGEST_WORD = 64
MOST_WORDS = 10_000  # of a document; more would not fit into one of PostgreSQL's
MOST_WANTED = 12  # of a question

# Chinese and Japanese are written without spaces: there each character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def fold(text: str) -> str:
    """Without case and accents: "Straße" and "STRASSE" are the same, "é" is an e."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return unicodedata.normalize("NFKC", bare).casefold()


def words(text: str, *, most: int = MOST_WORDS) -> list[str]:
    """The words of a text in their order, each once."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(fold(text)):
        found[match.group()[:LONGEST_WORD]] = None
        if len(found) == most:
            break
    return list(found)


def write(texts: Mapping[int, str]) -> None:
    """Index these texts under the ids of their adapters, in place of what stood there."""
    rows = [(words(text), adapter_id) for adapter_id, text in texts.items()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sql = "UPDATE adapters_listing SET document = array_to_tsvector(%s::text[]) WHERE adapter_id = %s"
            cursor.executemany(sql, rows)
        else:
            forget(texts)
            sql = "INSERT INTO adapters_search (words, rowid) VALUES (%s, %s)"
            cursor.executemany(sql, [(" ".join(found), adapter_id) for found, adapter_id in rows])


def forget(adapter_ids: Iterable[int]) -> None:
    """Remove these adapters from the index; on PostgreSQL it is a part of the listing and goes with it."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.executemany("DELETE FROM adapters_search WHERE rowid = %s", [(id_,) for id_ in adapter_ids])


def matching(listings: QuerySet[Listing], wanted: str) -> QuerySet[Listing]:
    """Those that have all words of `wanted`, or words that begin so; without a single letter in it, none."""
    asked = words(wanted[:1000], most=MOST_WANTED)
    if not asked:
        return listings.none()
    return listings.filter(_InDocument(asked) if connection.vendor == "postgresql" else _InTable(asked))


class _InDocument(Func):
    """PostgreSQL. The words are lexemes already, so they are cast and not parsed."""

    template = '"adapters_listing"."document" @@ (%(expressions)s)::tsquery'
    output_field = BooleanField()

    def __init__(self, asked: list[str]) -> None:
        super().__init__(Value(" & ".join(f"'{word}':*" for word in asked)))


class _InTable(Func):
    """SQLite."""

    template = "%(expressions)s)"
    arg_joiner = " IN (SELECT rowid FROM adapters_search WHERE adapters_search MATCH "
    output_field = BooleanField()

    def __init__(self, asked: list[str]) -> None:
        super().__init__(F("adapter_id"), Value(" ".join(f'"{word}"*' for word in asked)))
