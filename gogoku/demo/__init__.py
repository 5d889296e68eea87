"""The demo: the whole road on a simulated market, stage by stage, in one process, resumable.

Belongs here: the order of the stages, which partitions of each are still missing, running them through Dagster.
Does not belong here: anything a stage does (the assets), anything on the terminal (`gogoku.commands.demo`).
"""
