"""What every test shares: the words on the screen do not depend on the terminal that runs the tests."""

import os

# Rich reads these at import and at print: a forced colour on a dumb terminal wraps every table at 80 columns.
for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
    os.environ.pop(name, None)
os.environ["TERM"] = "xterm"
