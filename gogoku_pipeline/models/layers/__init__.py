"""One operator per file: paper, formula, arguments and shapes on top.

Belongs here: modules a network is assembled from. Does not belong here: networks, losses, training.
"""
