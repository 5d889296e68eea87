"""The domain of the house: point-in-time data, features, graphs, models, the gate. Knows no Dagster.

Rooms import only rooms below them (see ARCHITECTURE.md); the floors are enforced by import-linter.
"""
