// Commands of people with reason and role, a row each.
from(bucket: "roadheat")
    |> range(start: -30d)
    |> filter(fn: (r) => r._measurement == "event")
    |> pivot(rowKey: ["_time", "zone"], columnKey: ["_field"], valueColumn: "_value")
    |> filter(fn: (r) => r.kind == "override")
    |> keep(columns: ["_time", "zone", "detail", "reason", "role"])
