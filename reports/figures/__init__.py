"""The figures: each module draws one, from series, on axes that it is given.

Nothing is computed here but ranks and bins for drawing.
"""
