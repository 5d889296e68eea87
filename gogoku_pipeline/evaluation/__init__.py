"""How good were the scores, how sure are we, and may this model serve? Frames in, frames and verdicts out.

Belongs here: the one home of RankIC, ranking and dispersion metrics, neutralisation, significance, the summary table,
the gate, plots and the evening report.
Does not belong here: models, labels, panels, files, the store. A score is a number in a frame, whoever made it, so
that gradient boosting, a graph network and a constant are judged by the same code.
"""
