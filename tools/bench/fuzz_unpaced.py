"""`roadheat serve` with the pace of boards lifted, so that a bench can bring many frames to the record in minutes.

Run as `python -m tools.bench.fuzz_unpaced serve --config …`. Never in use: one board could then slow down the others.
"""

from __future__ import annotations

from supervisor.cli import main
from supervisor.gateway import pace, session

if __name__ == "__main__":
    pace.FRAMES_PER_S = 1e6
    session.STAND_BACK = 0.0
    main()
