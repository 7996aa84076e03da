"""Calibration: plant known faults, run, and compare what the harness found with what was planted."""
