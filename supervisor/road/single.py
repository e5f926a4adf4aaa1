"""One lane in plain floats: the arithmetic of `step` and `stores` without arrays, ten times faster for a single road.

numpy costs a microsecond a call whatever it adds up; with one lane the calls are all there is. `simulate` comes here by
itself for one unobserved lane without flux terms; a test holds both ways equal.
"""

from __future__ import annotations

from dataclasses import fields
from math import exp, expm1, sqrt

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import air
from supervisor.road.balance import DAMPED_FROM, MAX_ITERATIONS, TOLERANCE_K
from supervisor.road.conduction import Operator
from supervisor.road.forcing import State
from supervisor.road.pavement import LATENT_FUSION_J_KG, Array, Roads
from supervisor.road.radiation import (
    OLD_SNOW_ALBEDO,
    SNOW_AGEING_S,
    SNOW_COVER_MM,
    SNOW_RENEWAL_MM,
    STEFAN_BOLTZMANN,
    YOUNG_SNOW_ALBEDO,
)
from supervisor.road.step import (
    FULL_WETNESS_MM,
    HIGHEST_C,
    LOWEST_C,
    SNOW_CONDUCTIVITY_W_MK,
    THIN_SNOW_MM,
)
from supervisor.road.stores import FREEZING_K_PER_G_KG, LOWEST_FREEZING_C, SLUSH_RETENTION
from supervisor.road.stripes import EVEN_MM, SHARES

_SIGMA4 = 4.0 * STEFAN_BOLTZMANN


def march(roads: Roads, op: Operator, state: State, prepared: Array, heat_w_m2: Array) -> tuple[Array, State]:
    """All steps of one lane: `prepared` (steps, 14, 1), `heat_w_m2` (steps, 1).

    Returns surface, cable, water, ice, snow, frost (6, steps) and the final state. Raises PhysicsError as `step` does.
    """
    dt = op.dt_s
    par = {name: float(roads.surface(name)[0]) for name in roads.surface_names}
    emissivity, dry_albedo, roughness = par["emissivity"], par["albedo"], par["roughness_m"]
    retention, drains = par["retention_mm"], -expm1(-dt / par["drainage_s"])
    worn, fades = exp(-par["traffic_wear_per_h"] * dt / 3600.0), exp(-dt / par["residual_decay_s"])
    ages, density = exp(-dt / SNOW_AGEING_S), par["snow_density_kg_m3"]
    snow_w_mk_kg = density * SNOW_CONDUCTIVITY_W_MK * (density / 917.0) ** 1.88
    per_mm = LATENT_FUSION_J_KG / dt
    n = roads.nodes
    by_surface, a_road = np.ascontiguousarray(op.surface[0, :n]), float(op.surface[0, 0])
    # One product a step: [temperatures without the last flux, bottom, cable heat, last flux] -> the same, a step later.
    rows = (
        op.propagate_t[0, :, :n],
        op.bottom[:1, :n],
        op.cable[:1, :n],
        (by_surface @ op.propagate_t[0, :, :n])[None],
    )
    propagate = np.concatenate(rows)
    bridge, deep = bool(roads.bridge[0]), float(state.deep_c[0])
    weight = roads.cable_weight[0]
    upper = int(np.flatnonzero(weight)[0])
    part_lower = float(weight[upper + 1]) if upper + 1 < n else 0.0
    freezing = np.flatnonzero(roads.freezing_j_m2[0] > 0.0)
    soil_from = max(int(freezing[0]), 1) if freezing.size else n  # the surface node has the stores instead
    end = state.copy()
    now, after = np.zeros((2, n + 3))
    now[:n], now[n], after[n] = state.temperature_c[0], deep, deep
    thawable = -end.soil_ice_j_m2[0, soil_from:]
    freezable_j = roads.freezing_j_m2[0, soil_from:] + thawable
    soil_cold, soil_warm = -roads.capacity_j_m2k[0, soil_from:], 1.0 / roads.capacity_j_m2k[0, soil_from:]
    change, whole = np.empty(n - soil_from), np.empty(n)
    soil_has_ice = bool(thawable.any())
    reach = float(by_surface[soil_from]) if soil_from < n else 0.0
    (table,), (bare_from,), (lag_s,) = (part.tolist() for part in roads.stripes)
    arrives = -expm1(-dt / lag_s)
    wires, striped = float(state.wires_w_m2[0]), float(state.striped_mm[0])
    step_cable = float(by_surface[upper]), float(by_surface[upper + 1]) if upper + 1 < n else 0.0
    water, ice, snow = float(state.water_mm[0]), float(state.ice_mm[0]), float(state.snow_mm[0])
    frost, salt, top = float(state.frost_mm[0]), float(state.salt_g_m2[0]), float(state.top_c[0])
    white, residual = float(state.snow_albedo[0]), float(state.residual_w_m2[0])
    out = []
    stable_c = 5.3 * 9.4 * sqrt(air.AIR_HEIGHT_M / roughness)

    for t, (row, heat) in enumerate(zip(prepared[:, :, 0].tolist(), heat_w_m2[:, 0].tolist(), strict=True)):
        (air_c, vapour_pa, neutral, wind, sensible_c, latent_c, sun, sky, rain, snowfall, carried_c, traffic, fixed,
         doubt) = row  # fmt: skip
        if bridge:
            now[n] = air_c
        now[n + 1] = heat
        free = after[:n]
        np.dot(now, propagate, out=free)
        base = free.item(0)

        snowed = snowfall * dt
        water += rain * dt
        white = white if snow > 0.01 else YOUNG_SNOW_ALBEDO
        snow += snowed
        white = OLD_SNOW_ALBEDO + (white - OLD_SNOW_ALBEDO) * ages
        if snowed:
            white += (YOUNG_SNOW_ALBEDO - white) * -expm1(-snowed / SNOW_RENEWAL_MM)
        frozen = snow + ice + frost
        frz = 0.0
        if salt:
            frz = max(-FREEZING_K_PER_G_KG * salt / max(water + frozen, 0.2), LOWEST_FREEZING_C)
        residual *= fades
        wires += arrives * (heat - wires)
        under = 1.0
        if striped and frozen < (frozen + striped) * bare_from:
            at = (frozen / ((frozen + striped) * bare_from)) ** (1.0 / 3.0) * (SHARES - 1)
            low = min(int(at), SHARES - 2)
            under = table[low] + (at - low) * (table[low + 1] - table[low])

        ri = air.GRAVITY_M_S2 * air.AIR_HEIGHT_M * (air_c - top) / ((0.5 * (air_c + top) + air.KELVIN) * wind * wind)
        if ri < 0.0:
            factor = 1.0 - 9.4 * ri / (1.0 + stable_c * (neutral / wind) * sqrt(-ri))
        else:
            factor = max(1.0 / (1.0 + 4.7 * ri) ** 2, 0.25)
        velocity = neutral * factor
        sublimes = water < frozen if frozen > 0.0 else water < 1e-9 and top < 0.0
        latent_heat = air.LATENT_SUBLIMATION_J_KG if sublimes else air.LATENT_VAPORISATION_J_KG
        store = frozen if sublimes else water
        albedo = dry_albedo
        if snow:
            albedo += (white - dry_albedo) * -expm1(-snow / SNOW_COVER_MM)
        constant = (1.0 - albedo) * sun + sky + traffic + residual * doubt + fixed
        exchange = velocity * sensible_c + carried_c
        vapour = velocity * latent_c * latent_heat
        wetness = min((store + 1e-12) / FULL_WETNESS_MM, 1.0)
        most = store * latent_heat / dt

        phase, response, top_base = 0.0, a_road, base
        insulation = (snow - THIN_SNOW_MM) / snow_w_mk_kg if snow > THIN_SNOW_MM else 0.0
        look = frozen > 0.0 or water > 0.0  # first at the freezing point: what melts or freezes there
        if look:
            top = frz
        for i in range(-1 if look else 0, MAX_ITERATIONS):
            kelvin = top + air.KELVIN
            if top < 0.0:
                a, b = 22.46, 272.62
            else:
                a, b = 17.62, 243.12
            saturation = 611.2 * exp(a * top / (b + top))
            latent = vapour * (vapour_pa - saturation)
            part = 1.0
            if latent < 0.0:
                part = wetness
                latent *= part
            if latent < -most:
                latent, humid = -most, 0.0
            else:
                humid = vapour * part * saturation * a * b / (b + top) ** 2
            radiative = _SIGMA4 * emissivity * kelvin**3
            slope = radiative + exchange + humid
            net = constant - 0.25 * radiative * kelvin + exchange * (air_c - top) + latent + phase
            if i >= 0:
                moved = (top_base + response * net - top) / (1.0 + response * slope)
                if i >= DAMPED_FROM:
                    moved *= 0.5
                top += moved
                if -TOLERANCE_K < moved < TOLERANCE_K:
                    break
                if not -200.0 < top < 300.0:
                    raise _diverges(t, top)
                continue
            freezable = water
            if insulation:
                freezable = 0.0
                response = a_road + insulation
                if (base - frz) / a_road + min(net / (1.0 + insulation * slope), 0.0) > 0.0:
                    top_base, response = frz, insulation
            surplus = (top_base - frz) / response + net
            lost = -latent * dt / latent_heat if latent < 0.0 else 0.0
            if surplus > 0.0:
                phase = -min(surplus * under, max(frozen - lost if sublimes else frozen, 0.0) * per_mm)
            elif freezable:
                phase = min(-surplus, max(freezable if sublimes else freezable - lost, 0.0) * per_mm)
            if sublimes:
                most = (frozen + min(phase, 0.0) / per_mm) * latent_heat / dt
            else:
                most = (water - max(phase, 0.0) / per_mm) * latent_heat / dt
            if surplus + phase:
                top += response * (surplus + phase) / (1.0 + response * slope)
        else:
            raise _diverges(t, top)
        # To first order at the last change, as the batch does.
        latent -= humid * moved
        net -= slope * moved
        vapour_mm = latent * dt / latent_heat

        if water or frozen or vapour_mm:
            below = 0.0
            if insulation:
                dried = min(vapour_mm, 0.0)
                left = max(frozen + min(phase, 0.0) / per_mm + (dried if sublimes else 0.0), 0.0)
                liquid = max(water + (0.0 if sublimes else dried), 0.0)
                below = (frz - base) / a_road - net
                if below < 0.0:
                    below *= under
                below = min(max(below, -left * per_mm), liquid * per_mm)
                below = min(below, 0.0) if base + a_road * net > frz else max(below, 0.0)
            net += below
            phase_mm = (phase + below) / per_mm
            water = max(water - phase_mm, 0.0)
            if phase_mm > 0.0:
                ice += phase_mm
            elif phase_mm < 0.0:
                frost, snow, ice = _take(frost, snow, ice, -phase_mm)
                striped += min(-phase_mm, wires / per_mm)
            if not sublimes:
                water = max(water + vapour_mm, 0.0)
            elif vapour_mm > 0.0:
                frost += vapour_mm
            else:
                frost, snow, ice = _take(frost, snow, ice, -vapour_mm)
            held = retention + SLUSH_RETENTION * snow
            if water > held:
                drained = (water - held) * drains
                salt *= 1.0 - drained / water
                water -= drained
            if worn != 1.0:
                water, ice, snow, frost = water * worn, ice * worn, snow * worn, frost * worn
        if striped and snow + ice + frost <= EVEN_MM:
            striped = 0.0
        after[n + 2] = net
        surface = base + a_road * net
        if not LOWEST_C < surface < HIGHEST_C:
            raise PhysicsError(
                f"temperature {surface:.1f} °C is outside {LOWEST_C:g}…{HIGHEST_C:g} °C", where=f"step {t}",
                remedy="Check this road's weather, heat and parameters.",
            )  # fmt: skip
        if soil_from < n and (soil_has_ice or min(free[soil_from:].tolist()) < abs(net) * reach):
            np.multiply(by_surface, net, out=whole)
            np.add(free, whole, out=free)
            after[n + 2] = net = 0.0
            soil = free[soil_from:]
            np.multiply(soil, soil_cold, out=change)  # as conduction.freeze_soil
            np.maximum(change, thawable, out=change)
            np.minimum(change, freezable_j, out=change)
            np.subtract(thawable, change, out=thawable)
            np.subtract(freezable_j, change, out=freezable_j)
            np.multiply(change, soil_warm, out=change)
            np.add(soil, change, out=soil)
            soil_has_ice = t % 6 != 5 or bool(thawable.any())
        if not insulation:
            top = surface
        cable = (free.item(upper) + net * step_cable[0]) * (1.0 - part_lower)
        if part_lower:
            cable += (free.item(upper + 1) + net * step_cable[1]) * part_lower
        out.append((surface, cable, water, ice, snow, frost))
        now, after = after, now

    values = {"water_mm": water, "ice_mm": ice, "snow_mm": snow, "frost_mm": frost, "salt_g_m2": salt, "top_c": top,
              "snow_albedo": white, "residual_w_m2": residual, "wires_w_m2": wires, "striped_mm": striped}  # fmt: skip
    for f in fields(State):
        if f.name in values:
            setattr(end, f.name, np.array([values[f.name]]))
    profile = now[:n] + now[n + 2] * by_surface
    end.temperature_c[0], end.soil_ice_j_m2[0, soil_from:] = profile, -thawable
    if not (profile.min() > LOWEST_C and profile.max() < HIGHEST_C):
        raise PhysicsError("a temperature below the surface is out of range", where="profile", remedy="Check the heat.")
    return np.array(out).T.copy(), end


def _diverges(step: int, top_c: float) -> PhysicsError:
    return PhysicsError(
        f"surface balance does not converge, {top_c:.1f} °C",
        where=f"step {step}",
        remedy="Check this road's weather and parameters.",
    )


def _take(frost: float, snow: float, ice: float, wanted: float) -> tuple[float, float, float]:
    """`wanted` mm off frost, then snow, then ice."""
    taken = min(frost, wanted)
    wanted -= taken
    from_snow = min(snow, wanted)
    return frost - taken, snow - from_snow, ice - min(ice, wanted - from_snow)
