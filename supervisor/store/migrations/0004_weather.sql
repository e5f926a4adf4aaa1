-- The weather as it was, as far as anybody said: what calibration needs beside the surface temperatures.
CREATE TABLE weather (
    utc_s INTEGER PRIMARY KEY,  -- end of the interval
    air_c REAL NOT NULL,
    dew_point_c REAL NOT NULL,
    wind_m_s REAL NOT NULL,
    pressure_pa REAL NOT NULL,
    shortwave_w_m2 REAL NOT NULL,
    longwave_w_m2 REAL NOT NULL,
    cloud_fraction REAL NOT NULL,
    precipitation_mm_h REAL NOT NULL,
    snow_fraction REAL NOT NULL
);
