"""Print the Flux of `roadheat energy verify` with values for its parameters, to be type-checked."""

from __future__ import annotations

from supervisor.energy.reading import FLUX

PARAMETERS = """_bucket = "b"
_from = 2023-12-31T00:00:00Z
_to = 2024-01-01T00:00:00Z
_site = "s"
_measurement = "zone_1h"
_field = "energy_wh"
"""

if __name__ == "__main__":
    print(PARAMETERS + FLUX)
