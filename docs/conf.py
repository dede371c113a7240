"""Sphinx settings: `sphinx-build -W docs build/docs`."""

project = "faceparse"
copyright = "the faceparse authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "furo"
html_title = "faceparse"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_use_ivar = True
suppress_warnings = ["autodoc.mocked_object"]
exclude_patterns = ["_build"]
