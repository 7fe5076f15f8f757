"""Planted faults: is the verdict right, and does the first action help?"""
