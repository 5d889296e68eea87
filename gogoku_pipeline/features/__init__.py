"""Features: what each one is, when it may be known, and one engine that computes them all the same way.

Belongs here: the declaration language, the registry (frozen and hashed), the operators (compiled window, recursive
and cross-section kernels), the engine, the null budget, the laws every feature obeys, and one file per group.
Does not belong here: fetching or typing data (`tables`), edges between stocks (`graph`), ranks, z-scores and clips of
features (the one normaliser lives in `dataset`), labels.
"""
