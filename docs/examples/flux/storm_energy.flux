// Energy of a storm by road, the largest first.
from(bucket: "roadheat")
    |> range(start: 2023-12-30T00:00:00Z, stop: 2024-01-01T00:00:00Z)
    |> filter(fn: (r) => r._measurement == "zone_1h" and r._field == "energy_wh")
    |> group(columns: ["zone"])
    |> sum()
    |> group()
    |> sort(columns: ["_value"], desc: true)
