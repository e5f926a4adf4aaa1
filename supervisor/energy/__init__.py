"""The energy record for people and programs: the way to InfluxDB, reports from the store, baselines by name."""
