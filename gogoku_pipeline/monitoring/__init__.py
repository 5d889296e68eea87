"""Is everything fresh, complete and plausible, and does a person know when it is not?

Belongs here: staleness of tables against the publication clock, coverage of sources, the words of an evening, and the
notifier that carries them out by webhook and mail.
Does not belong here: deciding what serves (registry), judging models (evaluation), Dagster sensors (jobs).
"""
