-- Energy by road and day in Seoul, from the raw points.
SELECT zone, date_bin(INTERVAL '1 day', time, TIMESTAMP '2023-12-30T15:00:00Z') AS day, sum(delta_wh) AS energy_wh
FROM zone
WHERE time >= TIMESTAMP '2023-12-30T15:00:00Z' AND time < TIMESTAMP '2024-01-01T15:00:00Z'
GROUP BY 1, 2
ORDER BY 1, 2;
