"""Training: from panel and labels to scores that can be judged, and to versions that can serve.

Belongs here: recipes (what is fitted, how), the network's loop, walk-forward, final versions, scoring from artefacts.
Does not belong here: architectures and losses (models), metrics and verdicts (evaluation), champions (registry).
"""
