"""One step of what lies on a road and of its surface: precipitation, exchange, melting and freezing, stores.

The conduction operator leaves one unknown per lane, the temperature at the top, in

    T = base + a · (q(T) + φ)          q: net surface flux, decreasing in T;  φ: phase change (freezing +, melting −)

`a` is the surface's response to a flux (conduction.Operator.surface), plus the thermal resistance of snow. Melting and
freezing are found first, exactly: the surplus that would be left at the freezing point, as far as there is ice to melt
or water to freeze. So a wet freezing or melting road stays at the freezing point until the store is spent, and melting
takes 92.8 W/m² per mm/h.

A value per lane is a float (one lane) or an array (lanes,), see maths.py; a row holds one for each name in forcing.py.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic

from supervisor.road import air
from supervisor.road.balance import Balance, Start
from supervisor.road.constants import RoadConstants
from supervisor.road.forcing import RAIN, SNOW
from supervisor.road.maths import Maths, T
from supervisor.road.radiation import YOUNG_SNOW_ALBEDO, aged_snow_albedo, road_albedo
from supervisor.road.stores import Cover, freezing_point_c
from supervisor.road.stripes import shares, striped_after

FULL_WETNESS_MM = 0.1  # a thinner film wets only part of the texture
THIN_SNOW_MM = 1.0  # thinner, patchy snow insulates nothing
NO_SNOW_MM = 0.01  # what falls on less is new snow whatever its albedo was


class SurfaceStep(Generic[T]):
    """`advance` takes what lies on the road through one step after the other; `cover` is what lies there now.

    The methods are the step's parts in their order. Each keeps what it found, of the last step, for the later ones.
    """

    constants: RoadConstants[T]
    maths: Maths[T]
    cover: Cover[T]
    balance: Balance[T]
    base_c: T  # at the surface at the end of the step without any flux into it
    fallen_mm: T
    frozen_mm: T  # snow, ice and frost when all that fell has fallen
    freezing_c: T
    salted: bool  # each of these flags: in any lane
    snows: bool  # snow lies
    icy: bool  # snow, ice or frost lies
    wet: bool  # anything lies
    snowy: bool  # snow lies thick enough to insulate
    thick: Any  # where it does, if `snowy`
    sublimes: Any  # where vapour comes from and goes to what is frozen
    store_mm: T  # that which exchanges vapour
    vapour_per_mm: T  # W/m² that evaporate 1 mm of it in the step
    velocity_m_s: T  # of turbulent exchange
    absorbed_w_m2: T
    added_w_m2: T  # residual and correction
    melts_part: T | None  # part of the wires' heat that melts, where they have melted stripes
    top_c: T
    latent_w_m2: T
    model_w_m2: T  # all fluxes into the top but the phase change
    phase_w_m2: T
    net_w_m2: T  # into the pavement
    surface_c: T
    vapour_mm: T
    drained_mm: T
    frozen_off_mm: T  # part of that which left frozen

    __slots__ = (
        "absorbed_w_m2", "added_w_m2", "balance", "base_c", "constants", "cover", "drained_mm", "fallen_mm",
        "freezing_c", "frozen_mm", "frozen_off_mm", "icy", "latent_w_m2", "maths", "melts_part", "model_w_m2",
        "net_w_m2", "phase_w_m2", "salted", "snows", "snowy", "store_mm", "sublimes", "surface_c", "thick",
        "top_c", "vapour_mm", "vapour_per_mm", "velocity_m_s", "wet",
    )  # fmt: skip

    balance_type: ClassVar[type[Balance[Any]]] = Balance

    def __init__(self, maths: Maths[T], constants: RoadConstants[T], cover: Cover[T]) -> None:
        self.maths, self.constants, self.cover = maths, constants, cover
        self.salted, zero = self.maths.anywhere(cover.salt_g_m2), constants.zero
        self.balance = self.balance_type(maths, constants.emits_w_m2k4, zero, zero, zero, zero, zero, zero, zero)

    def advance(self, row: Any, heat_w_m2: T, base_c: T) -> None:
        """One step under the prepared `row` (14) and cable heat [W/m²].

        `base_c`: surface temperature at the end of the step without any surface flux. Afterwards `net_w_m2` is the flux
        into the pavement. Raises NoEquilibriumError.
        """
        self.base_c, self.phase_w_m2 = base_c, self.constants.zero
        self.precipitate(row)
        self.exchange(row, heat_w_m2)
        response, balance = self.constants.response, self.balance
        if self.wet:
            top, latent, flux = balance.equilibrium(base_c, response, self.freezing_c, self.change_phase_at_top)
        else:
            top, latent, flux = balance.equilibrium(base_c, response, self.cover.top_c)
        self.set_fluxes(top, latent, flux)
        if self.snowy:
            self.change_phase_below_snow()
        self.settle()

    def precipitate(self, row: Any) -> None:
        """Rain and snow join the stores; snow ages."""
        c, cover, m = self.constants, self.cover, self.maths
        rain, snow, before = row[RAIN], row[SNOW], cover.snow_mm
        snowed = self.fallen_mm = c.zero
        if m.anywhere(rain + snow):
            fallen, snowed = rain * c.dt_s, snow * c.dt_s
            cover.water_mm, cover.snow_mm, self.fallen_mm = cover.water_mm + fallen, before + snowed, fallen + snowed
        self.snows = m.anywhere(cover.snow_mm)
        if self.snows:
            albedo = m.where(before > NO_SNOW_MM, cover.snow_albedo, YOUNG_SNOW_ALBEDO)
            cover.snow_albedo = aged_snow_albedo(albedo, snowed, c.dt_s, m)

    def exchange(self, row: Any, heat_w_m2: T) -> None:
        """The terms of the surface balance: radiation, turbulent exchange, precipitation heat, evaporation.

        Stability is by the temperatures at the start of the step, so that the balance stays monotone.
        """
        c, cover, m, balance = self.constants, self.cover, self.maths, self.balance
        air_c, vapour_pa, neutral_m_s, wind, sensible, latent, sun, sky, _, _, carried, traffic, correction, doubt = row
        water, snow, top = cover.water_mm, cover.snow_mm, cover.top_c
        self.frozen_mm = frozen = snow + cover.ice_mm + cover.frost_mm
        self.icy = self.snows or m.anywhere(frozen)
        self.wet = self.icy or m.anywhere(water)
        self.snowy = self.snows and m.anywhere(snow > THIN_SNOW_MM)
        cover.wires_w_m2 = cover.wires_w_m2 + c.arrives * (heat_w_m2 - cover.wires_w_m2)
        cover.residual_w_m2 = cover.residual_w_m2 * c.residual_kept
        if self.wet:  # what there is more of on the road exchanges vapour with the air
            self.sublimes = (water < 1e-9) & (top < 0.0)
            if self.icy:
                self.sublimes = m.where(frozen > 0.0, water < frozen, self.sublimes)
            self.store_mm = m.where(self.sublimes, frozen, water)
            balance.wetness = m.minimum((self.store_mm + 1e-12) / FULL_WETNESS_MM, 1.0)
        else:
            self.sublimes = top < 0.0
            self.store_mm = balance.wetness = c.zero
        latent_heat = m.where(self.sublimes, air.LATENT_SUBLIMATION_J_KG, air.LATENT_VAPORISATION_J_KG)
        self.vapour_per_mm = latent_heat / c.dt_s
        self.velocity_m_s = velocity = neutral_m_s * air.stability_factor(air_c, top, wind, c.louis_c, m)
        albedo = road_albedo(c.albedo, cover.snow_albedo, snow, m) if self.snows else c.albedo
        self.absorbed_w_m2 = (1.0 - albedo) * sun
        self.added_w_m2 = cover.residual_w_m2 * doubt + correction
        balance.constant = self.absorbed_w_m2 + sky + traffic + self.added_w_m2
        balance.air_c, balance.vapour_pa = air_c, vapour_pa
        balance.exchange = velocity * sensible + carried
        balance.vapour = velocity * latent * latent_heat
        balance.evaporable_w_m2 = self.store_mm * self.vapour_per_mm
        self.freezing_c = freezing_point_c(cover.salt_g_m2, water + frozen, m) if self.salted else c.zero

    def change_phase_at_top(self, at_freezing: T, slope: T, latent: T) -> Start[T]:
        """Melting and freezing at the top: what would be left at the freezing point, as far as the stores go.

        From the net flux, minus its slope and the latent flux at the freezing point; for `Balance.equilibrium`.
        """
        c, cover, m, base, frozen = self.constants, self.cover, self.maths, self.base_c, self.frozen_mm
        freezable, sublimes, per_mm = cover.water_mm, self.sublimes, c.per_mm
        freezing, response = self.freezing_c, c.response
        if self.snowy:
            base, response, freezable = self.insulate(at_freezing, slope)
        melting = surplus = (base - freezing) / response + at_freezing
        if not (self.icy or m.anywhere(surplus < 0.0)):
            return base, response, c.zero, freezing + response * surplus / (1.0 + response * slope)
        self.melts_part = None
        if self.icy and m.anywhere(frozen < (frozen + cover.striped_mm) * c.bare_from):  # else all of the heat melts
            self.melts_part = shares(c.share_table, c.bare_from, frozen, cover.striped_mm, m)
            melting = m.where(surplus > 0.0, surplus * self.melts_part, surplus)
        lost = m.maximum(-latent, 0.0) / self.vapour_per_mm
        sublimed = m.where(sublimes, lost, 0.0)
        most_w_m2 = m.maximum(frozen - sublimed, 0.0) * per_mm
        least_w_m2 = m.maximum(freezable - (lost - sublimed), 0.0) * -per_mm
        self.phase_w_m2 = phase = -m.clip(melting, least_w_m2, most_w_m2)
        gone = m.minimum(m.where(sublimes, phase, -phase), 0.0)  # from the store that exchanges vapour
        self.balance.evaporable_w_m2 = (self.store_mm + gone / per_mm) * self.vapour_per_mm
        return base, response, phase, freezing + response * (surplus + phase) / (1.0 + response * slope)

    def insulate(self, at_freezing_w_m2: T, slope_w_m2k: T) -> tuple[T, T, T]:
        """Snow sets the top apart from the surface, which may melt it from below.

        Base [°C] and response of the top, and the water that can freeze there [mm].
        """
        c, m, base, freezing = self.constants, self.maths, self.base_c, self.freezing_c
        resistance = m.maximum(self.cover.snow_mm - THIN_SNOW_MM, 0.0) / c.snow_w_mk_kg
        self.thick = thick = resistance > 0.0
        from_above = m.minimum(at_freezing_w_m2 / (1.0 + resistance * slope_w_m2k), 0.0)
        melts_below = thick & ((base - freezing) / c.response + from_above > 0.0)
        top_base = m.where(melts_below, freezing, base)
        response = m.where(melts_below, resistance, c.response + resistance)
        return top_base, response, m.where(thick, 0.0, self.cover.water_mm)

    def set_fluxes(self, top_c: T, latent_w_m2: T, model_w_m2: T) -> None:
        """Keep what `Balance.equilibrium` found."""
        self.top_c, self.latent_w_m2, self.model_w_m2 = top_c, latent_w_m2, model_w_m2
        self.net_w_m2 = model_w_m2 + self.phase_w_m2
        self.vapour_mm = latent_w_m2 / self.vapour_per_mm

    def left_mm(self, phase_w_m2: T) -> tuple[T, T]:
        """Frozen and water after melting at the top and the vapour [mm]."""
        m = self.maths
        dried = m.minimum(self.vapour_mm, 0.0)
        sublimed = m.where(self.sublimes, dried, 0.0)
        left = self.frozen_mm + m.minimum(phase_w_m2, 0.0) / self.constants.per_mm + sublimed
        return m.maximum(left, 0.0), m.maximum(self.cover.water_mm + (dried - sublimed), 0.0)

    def change_phase_below_snow(self) -> None:
        """Melting and freezing between road and snow: what would hold the surface at the freezing point."""
        c, m, thick = self.constants, self.maths, self.thick
        net, a, base, freezing = self.net_w_m2, c.response, self.base_c, self.freezing_c
        frozen, water = self.left_mm(self.phase_w_m2)
        below = (freezing - base) / a - net
        if self.melts_part is not None:
            below = m.where(below < 0.0, below * self.melts_part, below)
        warm = base + a * net > freezing
        least, most = m.where(warm, -frozen * c.per_mm, 0.0), m.where(warm, 0.0, water * c.per_mm)
        below = m.where(thick, m.clip(below, least, most), 0.0)
        self.net_w_m2, self.phase_w_m2 = net + below, self.phase_w_m2 + below

    def settle(self) -> None:
        """Surface temperature, and the stores after phase change, vapour, drainage and traffic."""
        c, cover, m = self.constants, self.cover, self.maths
        self.surface_c = surface = self.base_c + c.response * self.net_w_m2
        cover.top_c = m.where(self.thick, self.top_c, surface) if self.snowy else surface
        self.drained_mm = self.frozen_off_mm = c.zero
        if not (self.wet or m.anywhere(self.vapour_mm)):
            if m.anywhere(cover.striped_mm):
                cover.striped_mm = 0.0 * cover.striped_mm
            return
        melted = c.zero
        if self.icy or m.anywhere(self.sublimes) or m.anywhere(self.phase_w_m2):
            melted = cover.exchange_mass(self.phase_w_m2 / c.per_mm, self.vapour_mm, self.sublimes, m)
        else:
            cover.water_mm = m.maximum(cover.water_mm + self.vapour_mm, 0.0)
        self.drained_mm = cover.drain(c.retention_mm, c.drains, m)
        if c.wears:
            water_off, self.frozen_off_mm = cover.wear(c.kept_by_traffic)
            self.drained_mm = self.drained_mm + water_off + self.frozen_off_mm
        if m.anywhere(cover.striped_mm) or m.anywhere(melted):
            frozen = cover.ice_mm + cover.snow_mm + cover.frost_mm
            cover.striped_mm = striped_after(cover.striped_mm, melted, cover.wires_w_m2 / c.per_mm, frozen, m)
