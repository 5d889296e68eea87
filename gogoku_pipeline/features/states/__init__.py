"""States: what each source other than prices says at the hour of decision, one module per source.

Belongs here: staging functions that turn point-in-time tables into leaves of formulas (as-of reads, de-cumulated
quarters, outstanding positions, volatility surfaces) and their declarations. Does not belong here: formulas of
features (`groups/`), publication rules (`schema`), fetching.
"""
