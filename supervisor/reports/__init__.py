"""Reports of a month, a season or a storm: collected once, written as a page, a table or JSON."""
