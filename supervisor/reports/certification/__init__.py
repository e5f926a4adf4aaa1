"""The figures that a city's certification asks for, each with its formula and the query that it comes from.

`figures` lists those of the record, `collect` works out all of them, `page` shows them.
"""
