"""From what was landed to what may be used: typed point-in-time tables and the few views everything stands on.

Belongs here: typing raw landings of every source (with rejects, corrections and the ledger that accounts for each raw
row), tables as they were known at an instant, the one as-of join, prices on one basis, the universe, the security
master, and pure quality checks over these tables.
Does not belong here: fetching and storing (ingest, store), features, labels, Dagster.
"""
