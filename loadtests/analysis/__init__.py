"""What a history means: pure functions from History to frozen dataclasses.

Each definition is one function with a hand-made history as its test. No files, no clock, no processes.
"""
