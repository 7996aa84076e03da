"""The embedded target: a real push pipeline that a run starts for itself and takes away again.

PostgreSQL, the jobs API and a Realtime server, each a process of its own under one supervisor
(`python -m loadtests.pipeline`). Knows the wire format and nothing of the harness that drives it.
"""
