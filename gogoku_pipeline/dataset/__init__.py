"""From features to something a model can learn from: labels, folds, one normalisation, one memory-mapped panel.

Belongs here: labels (the only place where time is shifted forward), purged splits and the frozen
hold-out, the role-aware normaliser, the panel [session, stock, feature] and its day windows.
Does not belong here: computing features, fitting models, judging scores.
"""
