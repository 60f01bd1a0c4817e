"""Which relics the benchmarks draw: the cultures that models are trained on, and seeds that no training uses."""

TRAINED = ("ritual_bronze", "painted_ceramic", "cave_mural", "silk_textile")
UNSEEN = "glyph_stela"
TEST_SEED = 1001
FIT_SEED = 2001
"""What is chosen (a weight, a localiser) is chosen on these, and measured on the others."""
CALIBRATION_SEED = 3001
LABELLED = {"byzart_icons": ("valid",), "iconart_parts": ("valid", "test")}
"""Packs of real pictures with boxes, and the splits of them that no model learns from."""
