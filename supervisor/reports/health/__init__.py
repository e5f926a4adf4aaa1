"""Health of the facilities: how long cables, insulation, contactors and sensors last, and the monthly inspection."""
