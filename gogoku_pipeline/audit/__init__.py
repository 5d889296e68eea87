"""The leak audit: does anything in the training inputs know what it could not have known?

Belongs here: parts that recompute training inputs from only what was available and compare; the report that names what
failed. It composes tables, features, graph and dataset, and judges with their laws; it never fetches and never trains.
Does not belong here: the formulas under audit, the laws of one room, the gate that reads the verdict (`evaluation`).
"""
