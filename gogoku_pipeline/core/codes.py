"""Issue codes: five characters, the last one telling the class of share.

`72030` is Toyota's ordinary share, `25935` a preferred share, `130A0` a listing of 2024 or later (letters began then).
Always text, never a number or a categorical.
Source: J-Quants API V2, common rules; JPX issue-code rules of January 2024.
"""

from __future__ import annotations

import re

from gogoku_pipeline.core.errors import DataError

CODE_PATTERN = r"^[0-9][0-9A-Z][0-9][0-9A-Z][0-9]$"
_CODE = re.compile(CODE_PATTERN)


def full_code(code: str) -> str:
    """The five-character form: four characters mean the ordinary share. Raises DataError for anything else."""
    text = code.strip().upper()
    full = text + "0" if len(text) == 4 else text
    if not _CODE.match(full):
        raise DataError(
            f"issue code {code!r}",
            got=f"{len(text)} characters of another shape",
            want="4 or 5 characters such as 7203, 72030 or 130A0",
            remedy="Look the code up with `gogoku describe CODE`.",
        )
    return full
