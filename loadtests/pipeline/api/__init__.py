"""The jobs API of the embedded pipeline: the backend whose mutations the push signals announce.

A process of its own, started with `python -m loadtests.pipeline.api`. Knows the database and its own HTTP
contract; of whoever drives it, it knows nothing.
"""
