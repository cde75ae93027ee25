"""Temporal's schedules, made to agree with the declared ones."""
