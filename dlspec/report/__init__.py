"""Findings as text. Pure functions: nothing is read, written or printed here."""
