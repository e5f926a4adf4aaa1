-- The load of each supply beside what its month is billed so far.
SELECT feeder, time, mean_kw, billed_kw
FROM feeder_15m
WHERE time >= now() - INTERVAL '7 days'
ORDER BY feeder, time;
