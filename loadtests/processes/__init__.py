"""Our own child processes: started clean, spoken to in JSON lines, gone when their parent is gone.

Knows nothing of pipelines, drivers or runs; everything that starts a process of ours uses it.
"""
