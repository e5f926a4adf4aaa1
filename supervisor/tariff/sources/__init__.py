"""Services that give day-ahead prices free and without a key. To add one: its module with a `SOURCE`, a line in
`registry`, its name in `FetchedSettings`, its test with a recorded answer and a row in docs/configuration.md.
"""
