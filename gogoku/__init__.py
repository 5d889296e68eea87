"""The front doors: `gogoku.definitions` for Dagster, the command line for people.

Belongs here: putting rooms together for one deployment, talking to a person.
Does not belong here: any work. Everything a door opens lives in a room behind it.
"""
