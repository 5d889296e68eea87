"""What exists: one Dagster asset per table, model, verdict and report of the house, and the checks on them.

Belongs here: asset and check definitions whose bodies call one function of `gogoku_pipeline` and attach metadata; the
partitions they share.
Does not belong here: domain logic (below the wall), when things run (`jobs`), how things are opened (`resources`).
"""
