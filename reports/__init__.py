"""Rendering: what a run found, for people (one HTML page, Markdown, figures) and for build servers (JUnit).

Draws and words what analysis computed and the verdict decided; it must not know how a number comes about, and it
never reads a ledger. matplotlib is used here and nowhere else.
"""
