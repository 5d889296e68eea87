"""From Dagster's configuration to plain domain objects: client, store, clock, compute, notifier, and the IO manager.

Belongs here: building what assets receive, once per process and only when first asked for.
Does not belong here: domain logic, asset definitions, reading the environment (`core.settings` does).
"""
