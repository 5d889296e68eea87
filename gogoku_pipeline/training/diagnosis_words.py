"""What the first failing rung of a diagnosis means, and what to try: in words a trader can act on."""

from __future__ import annotations

HEALTHY = (
    "No rung fails: nothing collapses on this budget.",
    "If the long run still does, read its own figures, then ask for more epochs and days.",
)
"""Meaning and remedy where no rung fails."""

GUILTY = {
    "baseline": (
        "The fault lies in the data: neither ridge nor LightGBM finds anything in these features and labels.",
        "Look at coverage, labels and the leak audit, then take more days: a faint signal needs hundreds of them.",
    ),
    "minimal": (
        "The fault lies between the panel and the loss: a baseline finds something, a trained linear map nothing.",
        "Look at normalisation and missing values of the panel, then at the learning rate and the number of epochs.",
    ),
    "without_graph": (
        "The fault lies in the trunk: selection, encoder or head lose what a linear map finds.",
        "Try a smaller size, model.selection=none, the other encoder, less dropout, a lower learning rate.",
    ),
    "without_normalisers": (
        "The fault lies in what companions add: every stock alone is learnt from.",
        "Look at the graph of these sessions (is it empty?) and at what the gate lets through; model.graph_heads=[] or "
        "model.market_tokens=0 switch companions off.",
    ),
    "single_loss": (
        "The fault lies in the input normalisers: without them the network learns.",
        "FAN, SAN and RevIN may read only raw channels that change in time: daily returns, never levels nor what is "
        "copied along time; model.fan_top=0, san_period=0, revin=false and frequency_dropout=0 switch them off.",
    ),
    "full": (
        "The fault lies in the design's own losses: the same network learns from the correlation alone.",
        "Standardise targets per day, keep the temperature of ListNet near 1, and drop one term at a time.",
    ),
}
"""Meaning and remedy by the rung that fails first."""
