"""An SVG that stands for itself."""

from __future__ import annotations

import re

_FONTS = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)


def without_fonts(svg: str) -> str:
    """Rich's names a font to be fetched from elsewhere: whoever opened the file would tell that he did. Any font of
    equal widths does.
    """
    return _FONTS.sub("", svg)
