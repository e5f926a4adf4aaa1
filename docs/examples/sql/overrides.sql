-- Commands of people with reason and role.
SELECT time, zone, detail, reason, role
FROM event
WHERE kind = 'override' AND time >= now() - INTERVAL '30 days'
ORDER BY time;
