"""How good were the scores, how sure are we, and may this model serve? Frames in, frames and verdicts out.

Belongs here: the one home of every metric (pure functions of arrays, `cross_sections`), of their significance, of
calibration, breakdowns, deflation and overfitting, of every day's figures (`daily`) and the table over days
(`summary`); the gate, the backtest, plots and the evening report.
Does not belong here: models, labels, panels, files, the store. A score is a number in a frame, whoever made it, so
that gradient boosting, a graph network and a constant are judged by the same code.
"""
