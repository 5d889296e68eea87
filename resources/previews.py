"""Parts of Dagster that are marked preview or beta and that the house uses knowingly, each named where it is built.

- `AssetCheckSpec(partitions_def=...)`: preview; without it an evaluation does not know its session.
- `TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)`: beta; a window at the start of the axis.
- `@asset(backfill_policy=...)`: beta; bounded runs over ranges.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import BetaWarning, PreviewWarning


@contextmanager
def accepted_previews() -> Iterator[None]:
    """No preview or beta warnings while definitions of ours are built; nothing is silenced outside the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)
        warnings.simplefilter("ignore", BetaWarning)
        yield
