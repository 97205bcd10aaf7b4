"""Training, validation and calibration of the compact tracker (own Python environment, see README.md)."""
