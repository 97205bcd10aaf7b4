"""Training of semantic networks: one class per pixel and a verdict on the whole picture, from a single frame. The first is `models/echo-lv`."""
