"""The contrast of two colours, as the Web Content Accessibility Guidelines 2.2 define it."""

Colour = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
_CUBE = (0, 95, 135, 175, 215, 255)


def contrast(one: Colour, other: Colour) -> float:
    """Returns the ratio of the luminances of two colours, each with a twentieth added, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def of_terminal(number: int) -> Colour:
    """Returns the colour of a number from 16 to 255 among the 256 of xterm: a cube of 6 x 6 x 6, then greys."""
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    place = number - 16
    return _CUBE[place // 36], _CUBE[place // 6 % 6], _CUBE[place % 6]


def of_page(written: str) -> Colour:
    """Returns the colour that '#fa0' or '#ffaa00' stands for."""
    digits = written.removeprefix("#")
    full = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    return int(full[:2], 16), int(full[2:4], 16), int(full[4:], 16)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
