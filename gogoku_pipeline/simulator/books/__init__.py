"""The books of the market, one file per endpoint: rows of a day as the publisher prints them.

Belongs here: encoding of facts into the publisher's keys and forms, publication hours of a source.
Does not belong here: what happens in the market (the modules above), queries, pages, plans (`desk`, `server`).
"""

from gogoku_pipeline.simulator.book import Book

BOOKS: tuple[Book, ...] = ()
"""Every endpoint that is asked by day."""
