"""Push notifications to devices whose app is closed: an outbox, its sender, and a sink to send to in tests.

A process of its own, started with `python -m loadtests.pipeline.push`. Knows the database's outbox and the form of
Apple's push service; of the jobs API and of Realtime it knows nothing.
"""
