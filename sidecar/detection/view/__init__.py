"""Texts as detectors read them: escapes, look-alikes and invisible characters folded, offsets exact."""
