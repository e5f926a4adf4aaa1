"""Site, feeder, zone and the layers of a road, as read from TOML; never changed while the service runs."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from supervisor.domain.board_profile import DEFAULT_LIMITS, Limits
from supervisor.domain.road_work import Agent

Line = tuple[tuple[float, float], ...]  # (degrees east, degrees north), WGS84


class Place(StrEnum):
    """What a road leads to, where more people walk or a bus must stop: counts in the order of danger."""

    NONE = "none"
    SCHOOL = "school"
    NURSERY = "nursery"
    HOSPITAL = "hospital"
    BUS = "bus"


class Layer(Struct, frozen=True, forbid_unknown_fields=True):
    """One layer of pavement, counted from the surface down."""

    material: str  # name in supervisor.road.materials
    thickness_m: float


class Cable(Struct, frozen=True, forbid_unknown_fields=True):
    """Buried heating cable."""

    depth_m: float = 0.07  # Seoul's practice: about 7 cm
    spacing_m: float = 0.10
    efficiency: float = 1.0  # part of the electrical power that ends in the zone's pavement


class Sprayer(Struct, frozen=True, forbid_unknown_fields=True):
    """A brine sprayer beside the road, with a controller of its own that asks what to do."""

    dose_g_m2: float  # of the agent itself, not of its solution
    price_per_dose: float  # in the tariff's currency, for the whole road
    agent: Agent = Agent.CALCIUM_CHLORIDE
    lockout_min: int = 120  # after a spreading, whoever did it
    doses_max_day: int = 4
    least_c: float = -8.0  # of the surface: colder, brine is not relied on


class HorizonPoint(Struct, frozen=True, forbid_unknown_fields=True):
    """How high the skyline stands in one direction; it runs straight between points, and from the last to the first."""

    azimuth_deg: float  # clockwise from north, 0–360
    elevation_deg: float  # above the level, 0–90


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """The district."""

    name: str
    timezone: str  # IANA name; used at the edges only
    latitude: float  # degrees north
    longitude: float  # degrees east
    elevation_m: float = 0.0


class Feeder(Struct, frozen=True, forbid_unknown_fields=True):
    """A supply shared by zones, with its two limits and its price of power."""

    id: str
    contract_kw: float  # 15-min mean, planned
    breaker_kw: float  # every instant, invariant I10
    demand_price_per_kw: float = 0.0  # currency per kW of billed peak per month


class Inventory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The road in the city's list of facilities: published as open data, used in no decision."""

    district: str = ""  # neighbourhood (행정동)
    road: str = ""  # official name (노선명)
    begins: str = ""
    ends: str = ""
    latitude: float | None = None  # degrees north, of its middle; with the longitude or not at all
    longitude: float | None = None  # degrees east
    cable_m: float | None = None  # heated length of each lane
    lanes: int | None = None
    installed: str = ""  # "2019" or "2019-11"
    note: str = ""


class Zone(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A heated stretch of road: the unit of control."""

    id: str
    name: str
    name_ko: str = ""
    board: str
    relay: int  # output of its board, 0-based: a slot of the board profile
    feeder: str
    power_w: int  # rated electrical power of the cable
    area_m2: float
    layers: tuple[Layer, ...]
    cable: Cable = Cable()
    bridge: bool = False  # underside at air temperature
    sky_view: float | None = None  # 0–1, part of the sky that the road sees; None: what the horizon leaves of it
    horizon: tuple[HorizonPoint, ...] = ()  # skyline; none: a level one
    priority: int = 2  # 1 steepest / most dangerous … 3
    slope_percent: float | None = None  # steepest part; shown to crews and counted in the order of danger
    place: Place = Place.NONE
    use: str = ""  # which of `[planner.hours_of_use]` says what an ice-free hour is worth by the time of day
    geometry: Line = ()  # where it runs; none: from the map file, else it is on no map
    override_max_min: int = 480  # longest override a crew may ask for, where its limits allow as much
    inventory: Inventory = Inventory()
    sprayer: Sprayer | None = None
    limits: Limits = DEFAULT_LIMITS  # in force: its own, then those of the city, then the board profile's

    @property
    def heat_w_m2(self) -> float:
        """Cable heat per road area at full duty [W/m²]."""
        return self.power_w * self.cable.efficiency / self.area_m2

    @property
    def longest_override_min(self) -> int:
        """What a crew may ask for and the board accepts [min]."""
        return min(self.override_max_min, self.limits.override_max_s // 60)
