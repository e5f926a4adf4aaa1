"""Interfaces of other systems of the city: each a module here, switched on by its own table under [city]."""
