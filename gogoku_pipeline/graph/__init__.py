"""Who moves with whom: one graph of stocks per session, and what a stock's neighbours tell about it.

Belongs here: correlation edges (windows, residuals, exact strongest pairs), sector edges and their combination, the
`g_*` features, and the catalogue in which all features of the house are frozen and hashed.
Does not belong here: fetching or typing data, labels, models that read the graph.
"""
