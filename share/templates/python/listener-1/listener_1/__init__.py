"""Prints what it hears, until nothing more can come."""
