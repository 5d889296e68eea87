"""What runs, when, and who is told: jobs, hand-written schedules that know the exchange's calendar, the alert sensor.

Belongs here: selections of assets, cron lines, run keys, cursors.
Does not belong here: what an asset does (`assets`), how a message is delivered (`gogoku_pipeline.monitoring`).
"""
