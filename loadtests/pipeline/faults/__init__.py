"""Faults on command: what the embedded pipeline can be made to do wrong, so that a harness can prove it notices.

Nothing here runs unless a fault was asked for over the control endpoint, which listens on loopback only.
"""
