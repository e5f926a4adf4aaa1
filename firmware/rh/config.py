"""Records of config.json and limits.json, filled and checked by `rh.check`."""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any


class Limits:
    """limits.json. Temperatures in m°C, times in s."""

    t_max_mc: int  # surface
    cable_max_mc: int
    lockout_mc: int  # no local heat above
    cold_cutoff_mc: int  # no local heat below
    min_on_s: int
    min_off_s: int
    period_s: int  # of time proportioning
    max_on_s: int  # without a break
    max_on_day_s: int
    override_max_s: int
    lease_max_s: int
    power_return_min_s: int
    power_return_max_s: int
    leakage_trip_ma: int  # of zones whose earth leakage is measured
    leakage_warn_ma: int
    local_duty_permille: int  # so that a whole feeder on its local rule stays under the breaker
    zones: "dict[str, Limits]" = {}  # complete limits of zones that have some of their own

    def of(self, zone_id: str) -> "Limits":
        """The limits in force for a zone."""
        return self.zones.get(zone_id, self)


class ZoneConfig:
    """One zone's wiring."""

    id: str
    relay_pin: int
    relay_active: int  # level that closes the contactor
    surface_rom: "bytes | None"  # None, as the keys below: the file has the sensor with its kind
    cable_rom: "bytes | None"
    moist_pin: "int | None"
    ct_pin: "int | None"
    ct_w_per_mv: "int | None"
    sensors: "dict[str, dict[str, Any]]"  # surface, cable, moisture, power, perhaps leakage: kind and fields
    power_w: int  # of the cable
    earth_pin: "int | None"  # input: 1 = fault
    thermal_pin: "int | None"  # input: 1 = the thermal cut-out has opened
    trip_pin: "int | None"  # output: opens the contactor upstream


class Config:
    """config.json."""

    board: str
    key: bytes
    host: str  # an address
    port: int
    server_name: str
    ca: str  # file, DER
    wifi: "dict[str, str] | None"  # ssid, password
    lan: "dict[str, int] | None"  # Ethernet by LAN8720: pins mdc, mdio and power, phy_addr
    ow_pin: int
    rs485: "dict[str, Any] | None"  # line of the meters: tx_pin, rx_pin, de_pin, baud, parity, stop_bits
    spi: "dict[str, int] | None"  # bus of the MAX31865: sck_pin, mosi_pin, miso_pin
    earth_pin: "int | None"
    lock_pin: "int | None"
    beat_pin: "int | None"  # output: changes every second, for a watchdog in the relays' supply
    connect_spread_s: int  # first dial after power came back: 0 to this, so that boards do not dial all at once
    console_lock: int  # 1: Ctrl-C does not stop the program until somebody unlocks the console with the key
    zones: "list[ZoneConfig]"
    stale = ""  # which newest file is damaged or refused, and why: its last good copy is in force
