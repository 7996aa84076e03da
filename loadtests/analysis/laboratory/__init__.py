"""The coalescing laboratory: what refreshes were the least possible, and what other refresh policies would have made.

It works on any recorded run and touches no target. It knows the clients' state machines and nothing of polling.
"""
