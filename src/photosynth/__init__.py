"""photosynth: photos or scans of a few objects in, trained vision models out, scored on real photos."""

__version__ = "0.1.0"
