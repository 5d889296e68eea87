"""What would the scores have earned at the exchange, after everything it charges and forbids? Frames in, accounts out.

Belongs here: the market as arrays, price limits and ticks by date, orders from scores, fills at the open, costs,
dividends, borrowing, the daily accounts and what is read off them (performance, tables, capacity).
Does not belong here: where scores come from, the store, labels, the gate's decision.
"""
