"""The ground floor: what every room needs and nothing knows about markets' data.

Belongs here: the exchange calendar, clocks, issue codes, dated price-limit and tick tables, the error tree,
settings (the only reader of the environment), seeds, fingerprints, logging.
Does not belong here: schemas, files, HTTP, anything that imports another room.
"""
