"""Models: arrays or tensors in, one score per stock out. A higher score means a better expected rank.

Belongs here: LightGBM, the naive ladder, the APEX-Ranker and its layers, differentiable losses.
Does not belong here: panels, labels, folds, metrics, files; models know neither `dataset` nor `evaluation`.
"""
