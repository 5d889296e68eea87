"""Which model serves on which day, why, and what it said: verdicts, champions, predictions, lineage.

Belongs here: the append-only history of verdicts, the pure read `champion(store, at)`, the ranked list of a session
with everything needed to make it again, the gate's rows as a table.
Does not belong here: training, judging (evaluation), telling people (monitoring).
"""
