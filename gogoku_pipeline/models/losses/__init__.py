"""Differentiable losses on padded day batches: per day first, then the mean over days, always in float32.

Belongs here: one file per loss with its formula and source, what they share about masks (`masked`), and how several
of them make one objective (`terms`).
Does not belong here: how much each weighs (`models.loss_weights`, which loads no tensors), the loop (training).

Layout: scores s[B, N], targets y[B, N], mask m[B, N] (bool), B days; what is outside the mask is never read. Days with
fewer than `min_names` names or a constant target are dropped; every remaining day weighs 1. Source: models.md 3.
"""
