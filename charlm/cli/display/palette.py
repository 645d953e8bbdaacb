"""The colours of text and of curves on a terminal, by their numbers among its 256.

A terminal does not say whether it is light or dark. The contrast of each of these is at least 4.5:1 with black and with
white (WCAG 2.2, 1.4.3). Where a background has a colour, the text on it has one, too.
"""

BLUE, VIOLET, GREEN, MAGENTA, RED, GREY = (f"color({number})" for number in (63, 98, 29, 163, 131, 243))

ALERT = f"bold {RED}"
ALERT_CODE = "1;38;5;131"
"""The same as the parameters of an escape sequence."""
