"""Sphinx: `make docs`."""

project = "roadheat"
author = "the roadheat authors"
copyright = "the roadheat authors, Apache-2.0"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "roadheat"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
