"""A market with known truth, served as J-Quants V2 over real HTTP. A guest: it knows only `schema` and `core`.

Belongs here: the synthetic market (prices, events, planted signals), its documented truth and oracle, the books of
every endpoint (`books`), the publication clock, plans, rates and bulk files as the service has them, corrections and
faults on request.
Does not belong here: anything the pipeline could use to peek at the truth (only `resources`, `gogoku` and tests may
import this room), and any reading of the real service.

Front doors: `config.MarketConfig`, `market.generate_market`, `server.SimulatorServer`, `thread.run_simulator_thread`,
`faults.FaultPlan`, `bulk_faults`, `corrections.Correction`.
"""
