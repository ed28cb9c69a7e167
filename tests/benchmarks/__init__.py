"""Measurements against a reference in the same run; ratios count, these machines are noisy."""
