"""The parts of a run that `loadtests/run.py` tells the story of: preflight, manifest, children, watching, judging."""
