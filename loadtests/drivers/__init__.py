"""What acts on the target and writes the ledger: mutators, subscribers, pollers, probes.

Drivers know a target as an `Endpoint` and nothing else; they never import one.
"""
