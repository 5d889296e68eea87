"""Command families, one module each: what a person can ask the house to do.

Belongs here: arguments, progress bars, tables on the terminal, `--json`. Does not belong here: domain logic.
Every module offers `register(app)`; heavy imports stay inside the commands so that `gogoku --help` answers at once.
"""
