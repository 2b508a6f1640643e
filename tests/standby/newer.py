"""`main.py` of a later version, whose schema has one step more: the SQL in NEWER_STEP.

python -m tests.standby.newer COMMAND
"""

import os

from gateway.cli import main
from gateway.store.postgres import migration

if __name__ == "__main__":
    known = migration.steps()
    grown = {**known, max(known) + 1: os.environ["NEWER_STEP"].format(max(known) + 1)}
    vars(migration)["steps"] = lambda: grown
    main()
