"""What every source and table is: columns, units, keys, and when a row becomes knowable. Said once, used everywhere.

Belongs here: one file per source (the fields the publisher sends and the table we make of them), the publication
rules, usage warnings, and what derives from them: Polars schemas, pandera models, generated documentation.
Does not belong here: fetching, storing, computing features (families declare their columns in `features`).
"""
