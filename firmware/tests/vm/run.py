"""In the VM: `micropython run.py FIRMWARE MODULE…` runs the tests of the modules; ends with status 1 if one fails."""

import sys

sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests", sys.argv[1] + "/tests/vm"]
import unittest  # noqa: E402

failed = 0
for name in sys.argv[2:]:
    failed += unittest.run(__import__(name))
sys.exit(1 if failed else 0)
