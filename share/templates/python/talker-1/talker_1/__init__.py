"""Sends a greeting whenever an input arrives."""
