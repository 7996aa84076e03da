"""Push or poll: the polling cohorts of a run, what arithmetic expects of them, and how push compares with them.

It works on any recorded run. It knows what devices fetched and saw, and nothing of how push came by it.
"""
