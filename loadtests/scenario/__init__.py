"""A scenario asks one question. Its data model, its reader, and what follows from it and a seed alone.

Population and schedule are pure functions of scenario, seed and run id, so each process computes its own part
instead of being told. Knows nothing of targets, sockets or ledgers.
"""
