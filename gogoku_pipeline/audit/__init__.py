"""The leak audit: does anything in the training inputs know what it could not have known?

Belongs here: the eight parts, each a few checks that walk the road again in a world where nothing may change and
compare; the report that names who did. A walk takes real core rows through features, graph, normaliser, panel and small
fits to scores, by the production code, and is judged with the laws of its rooms.
Does not belong here: the formulas under audit, the laws of one room, fetching, versions that serve, the gate that reads
the verdict (`evaluation`), and the simulator, whose markets are handed in.
"""
