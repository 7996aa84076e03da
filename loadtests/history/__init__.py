"""What was recorded: the ledger while a run lives, the read-only columnar history afterwards, the run directory.

Knows how to write and read rows; knows nothing of what they mean for a verdict.
"""
