"""What heating by plan saved: conventional controllers replayed on recorded weather through the calibrated roads."""
