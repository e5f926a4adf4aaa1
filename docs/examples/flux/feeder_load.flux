// The load of each supply beside what its month is billed so far.
from(bucket: "roadheat")
    |> range(start: -7d)
    |> filter(fn: (r) => r._measurement == "feeder_15m" and (r._field == "mean_kw" or r._field == "billed_kw"))
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> keep(columns: ["_time", "feeder", "mean_kw", "billed_kw"])
