"""Chapters of the report that each answer one question: the answer first, then the figures and tables behind it."""
