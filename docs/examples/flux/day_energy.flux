// Energy by road and local day, from the raw points: the sum of delta_wh, stamped at the beginning of the day.
import "timezone"

option location = timezone.location(name: "Asia/Seoul")

from(bucket: "roadheat")
    |> range(start: 2023-12-30T15:00:00Z, stop: 2024-01-01T15:00:00Z)
    |> filter(fn: (r) => r._measurement == "zone" and r._field == "delta_wh")
    |> group(columns: ["zone"])
    |> aggregateWindow(every: 1d, fn: sum, timeSrc: "_start", createEmpty: false)
