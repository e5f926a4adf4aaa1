"""One step of all lanes: conduction, surface balance, phase change, stores.

The conduction operator leaves one unknown per lane, the temperature at the top, in

    T = base + a · (q(T) + φ)          q: net surface flux, decreasing in T;  φ: phase change (freezing +, melting −)

`a` is the surface's response to a flux (conduction.Operator.surface), plus the thermal resistance of snow. Melting and
freezing are found first, exactly: the surplus that would be left at the freezing point, as far as there is ice to melt
or water to freeze. So a wet freezing or melting road stays at the freezing point until the store is spent, and melting
takes 92.8 W/m² per mm/h.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import air, stores
from supervisor.road import forcing as rows
from supervisor.road.balance import Balance, equilibrium
from supervisor.road.conduction import Operator, advance, freeze_soil, operator
from supervisor.road.forcing import Forcing, State, prepare
from supervisor.road.pavement import LATENT_FUSION_J_KG, Array, Roads
from supervisor.road.radiation import STEFAN_BOLTZMANN, YOUNG_SNOW_ALBEDO, aged_snow_albedo, road_albedo
from supervisor.road.stripes import shares, striped_after

LOWEST_C, HIGHEST_C = -60.0, 90.0
RESIDUAL_SMOOTHING_S = 900.0  # a sensor's noise times the surface's stiffness is tens of W/m² from minute to minute
RESIDUAL_LIMIT_W_M2 = 400.0
FULL_WETNESS_MM = 0.1  # a thinner film wets only part of the texture
SNOW_CONDUCTIVITY_W_MK = 2.22  # of ice; times (density/917)^1.88, Yen (1981)
THIN_SNOW_MM = 1.0  # thinner, patchy snow insulates nothing


@dataclass(frozen=True)
class Fluxes:
    """Energy terms of one step [W/m²], positive towards the road, and masses [mm] gained; arrays (lanes,)."""

    shortwave: Array
    longwave: Array
    emitted: Array
    sensible: Array
    latent: Array
    precipitation: Array
    traffic: Array
    residual: Array  # decaying residual and daily correction
    phase: Array  # freezing +, melting −
    ground: Array  # into the pavement: the sum of the above
    cable: Array
    bottom: Array  # out through the bottom, negative when heat comes in
    vapour_mm: Array  # condensed +, evaporated −
    precipitated_mm: Array
    drained_mm: Array  # drained or carried off by traffic
    frozen_off_mm: Array  # part of that which left frozen
    lacking: Array  # W/m² that an observed surface asks for beyond the model's fluxes, 0 where not observed


def advance_state(
    roads: Roads, op: Operator, state: State, row: Array, heat_w_m2: Array, observed_c: Array | None = None
) -> tuple[State, Fluxes]:
    """One step from prepared forcing `row` (14, lanes) and cable heat (lanes,).

    `observed_c` (lanes,), NaN where unknown, forces the surface temperature (spin-up); the flux that it asks for beyond
    the model's becomes the residual. Raises PhysicsError when it cannot converge or leaves −60…90 °C.
    """
    dt = op.dt_s
    per_lane = roads.per_lane
    s = roads.surface
    bottom_c = np.where(roads.bridge, row[rows.AIR], state.deep_c)
    free = advance(roads, op, state.temperature_c, heat_w_m2, bottom_c)
    response = per_lane(op.surface)
    base, a0 = free[:, 0], response[:, 0]

    fallen_mm, snowed_mm = row[rows.RAIN] * dt, row[rows.SNOW] * dt
    water, snow = state.water_mm + fallen_mm, state.snow_mm + snowed_mm
    cleared = stores.cleared_mm(observed_c, state.surface_c, snow, dt)
    snow = snow - cleared
    frozen = snow + state.ice_mm + state.frost_mm
    freezing_c = stores.freezing_point_c(state.salt_g_m2, water + frozen)
    residual = state.residual_w_m2 * np.exp(-dt / s("residual_decay_s"))
    added = residual * row[rows.DOUBT] + row[rows.CORRECTION]
    lacking = np.zeros_like(residual)
    tables, bare_from, lag_s = roads.stripes
    wires = state.wires_w_m2
    if heat_w_m2.any() or wires.any():
        wires = wires - np.expm1(-dt / lag_s) * (heat_w_m2 - wires)
    striped = bool(state.striped_mm.any())
    under = shares(tables, bare_from, frozen, state.striped_mm) if striped else None  # part of the heat that melts

    # Exchange: stability by the temperatures at the start of the step, so that the balance stays monotone.
    factor = air.stability_factor(
        row[rows.AIR], state.top_c, row[rows.WIND], row[rows.NEUTRAL_M_S] / row[rows.WIND], s("roughness_m")
    )
    velocity = row[rows.NEUTRAL_M_S] * factor
    sublimes = np.where(frozen > 0.0, water < frozen, (water < 1e-9) & (state.top_c < 0.0))  # what there is more of
    latent_heat = np.where(sublimes, air.LATENT_SUBLIMATION_J_KG, air.LATENT_VAPORISATION_J_KG)
    store = np.where(sublimes, frozen, water)
    # Where no snow lay, what falls is new whatever fell before.
    before = np.where(state.snow_mm > 0.01, state.snow_albedo, YOUNG_SNOW_ALBEDO)
    white = aged_snow_albedo(before, snowed_mm, dt)
    absorbed = (1.0 - road_albedo(s("albedo"), white, snow)) * row[rows.SHORTWAVE]
    balance = Balance(
        row,
        absorbed + row[rows.LONGWAVE] + row[rows.TRAFFIC] + added,
        s("emissivity"),
        velocity * row[rows.SENSIBLE] + row[rows.PRECIPITATION],
        velocity * row[rows.LATENT] * latent_heat,
        np.minimum((store + 1e-12) / FULL_WETNESS_MM, 1.0),
        store * latent_heat / dt,
    )

    # Snow insulates: the top is then apart from the surface, and the surface may melt the snow from below.
    per_mm = LATENT_FUSION_J_KG / dt  # W/m² that melts 1 mm in a step
    top_base, top_response, thick = base, a0, np.zeros(base.shape, dtype=np.bool_)
    phase, start = np.zeros_like(base), state.top_c
    snowy = bool((snow > THIN_SNOW_MM).any())
    if snowy or frozen.any() or water.any():
        at_freezing, slope, latent, _ = balance.net(freezing_c)
        freezable = water
        if snowy:
            density = s("snow_density_kg_m3")
            conductivity = SNOW_CONDUCTIVITY_W_MK * (density / 917.0) ** 1.88
            insulation = np.maximum(snow - THIN_SNOW_MM, 0.0) / (density * conductivity)
            thick = insulation > 0.0
            from_above = np.minimum(at_freezing / (1.0 + insulation * slope), 0.0)
            melts_below = thick & ((base - freezing_c) / a0 + from_above > 0.0)
            top_base = np.where(melts_below, freezing_c, base)
            top_response = np.where(melts_below, insulation, a0 + insulation)
            freezable = np.where(thick, 0.0, water)
        surplus = (top_base - freezing_c) / top_response + at_freezing
        melting = surplus if under is None else np.where(surplus > 0.0, surplus * under, surplus)
        lost = np.maximum(-latent, 0.0) * dt / latent_heat
        meltable = np.maximum(frozen - np.where(sublimes, lost, 0.0), 0.0)
        freezable = np.maximum(freezable - np.where(sublimes, 0.0, lost), 0.0)
        phase = -np.minimum(np.maximum(melting, -freezable * per_mm), meltable * per_mm)
        balance.evaporable_w_m2 = np.where(
            sublimes, frozen + np.minimum(phase, 0.0) / per_mm, water - np.maximum(phase, 0.0) / per_mm
        ) * (latent_heat / dt)
        start = freezing_c + top_response * (surplus + phase) / (1.0 + top_response * slope)
    top_c, latent = equilibrium(balance, top_base, top_response, phase, start)
    if observed_c is not None:
        forced = np.isfinite(observed_c)
        top_c = np.where(forced, observed_c, top_c)
        latent = balance.latent(top_c)[0]
    emitted = s("emissivity") * STEFAN_BOLTZMANN * (top_c + air.KELVIN) ** 4
    sensible = velocity * row[rows.SENSIBLE] * (row[rows.AIR] - top_c)
    carried = row[rows.PRECIPITATION] * (row[rows.AIR] - top_c)
    net = balance.constant - emitted + sensible + carried + latent + phase

    # The surface below: what came through, then melting or freezing at the road–snow interface.
    vapour_mm = latent * dt / latent_heat
    dried = np.minimum(vapour_mm, 0.0)
    left = np.maximum(frozen + np.minimum(phase, 0.0) / per_mm + np.where(sublimes, dried, 0.0), 0.0)
    liquid = np.maximum(water + np.where(sublimes, 0.0, dried), 0.0)
    below = np.zeros_like(net)
    if snowy:
        below = np.where(thick, (freezing_c - base) / a0 - net, 0.0)  # would hold the surface at the freezing point
        if under is not None:
            below = np.where(below < 0.0, below * under, below)
        below = np.minimum(np.maximum(below, -left * per_mm), np.where(thick, liquid * per_mm, 0.0))
        below = np.where(thick & (base + a0 * net > freezing_c), np.minimum(below, 0.0), np.maximum(below, 0.0))
    if observed_c is not None:
        model = balance.constant - emitted + sensible + carried + latent
        needed = (np.where(forced, observed_c, 0.0) - base) / a0
        phase = np.where(
            forced,
            stores.observed_phase_mm(
                observed_c,
                freezing_c,
                liquid,
                np.maximum(frozen + np.where(sublimes, dried, 0.0), 0.0),
                needed - model,
                per_mm,
                dt,
            )
            * per_mm,
            phase,
        )
        below = np.where(forced, 0.0, below)
        model = model + phase
        excess = needed - model + added
        lacking = np.where(forced, np.clip(excess, -RESIDUAL_LIMIT_W_M2, RESIDUAL_LIMIT_W_M2), 0.0)
        part = -np.expm1(-dt / RESIDUAL_SMOOTHING_S)
        smoothed = state.residual_w_m2 + part * (
            (lacking - row[rows.CORRECTION]) / row[rows.DOUBT] - state.residual_w_m2
        )
        residual = np.where(forced, smoothed, residual)
        net = np.where(forced, needed, net)
        added = np.where(forced, added + needed - model, added)
    net = net + below
    phase = phase + below

    temperature = free[:, :-1] + response[:, :-1] * net[:, None]
    bottom_mean = free[:, -1] + response[:, -1] * net
    if not (np.min(temperature) > LOWEST_C and np.max(temperature) < HIGHEST_C):
        lane = int(np.argmax(np.max(np.abs(np.nan_to_num(temperature, nan=np.inf)), axis=1)))
        raise PhysicsError(
            f"temperature {float(temperature[lane, 0]):.1f} °C is outside {LOWEST_C:g}…{HIGHEST_C:g} °C",
            where=f"lane {lane}",
            remedy="Check this road's weather, heat and parameters.",
        )
    soil_ice = state.soil_ice_j_m2
    if roads.soil_freezes:
        soil_ice = soil_ice.copy()
        freeze_soil(roads, temperature, soil_ice)

    kept = stores.settle(roads, state, water, snow, phase / per_mm, vapour_mm, sublimes, dt)
    new = replace(
        kept.state,
        wires_w_m2=wires,
        striped_mm=striped_after(
            state.striped_mm, np.maximum(-phase, 0.0) / per_mm, wires / per_mm, kept.state.frozen_mm
        ),
        temperature_c=temperature,
        soil_ice_j_m2=soil_ice,
        snow_albedo=white,
        top_c=np.where(thick, top_c, temperature[:, 0]),
        residual_w_m2=residual,
    )
    fluxes = Fluxes(
        absorbed,
        row[rows.LONGWAVE],
        -emitted,
        sensible,
        latent,
        carried,
        row[rows.TRAFFIC],
        added,
        phase,
        net,
        heat_w_m2,
        per_lane(roads.bottom_w_m2k) * (bottom_mean - bottom_c),
        vapour_mm,
        fallen_mm + snowed_mm,
        kept.drained_mm + cleared,
        kept.frozen_off_mm + cleared,
        lacking,
    )
    return new, fluxes


def step(
    roads: Roads, state: State, forcing_row: Forcing, heat_w_m2: Array | float, dt_s: float
) -> tuple[State, Fluxes]:
    """One step under one-row `Forcing`; `heat_w_m2` cable heat per lane [W/m²]. The plant's entry."""
    heat = np.broadcast_to(np.asarray(heat_w_m2, dtype=np.float64), (roads.lanes,))
    return advance_state(roads, operator(roads, dt_s), state, prepare(roads, forcing_row, state)[0], heat)
