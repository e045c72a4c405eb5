"""Measurements of the hot paths through the public door, as ratios within one run. `make bench` runs them all."""
