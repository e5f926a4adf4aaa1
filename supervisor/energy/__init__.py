"""Energy: delivery to InfluxDB, reports from the store, and named baselines."""
