"""Measurements that developers run by hand; never part of the tests."""
