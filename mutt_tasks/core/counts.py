"""Reading counters that somebody else may have written badly."""

import re

# Counts above this are all alike to every rule; the bound keeps arithmetic on them cheap.
LARGEST = 1_000_000_000

_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")


def whole_number(value_text: str) -> int | None:
    """The non-negative whole number that a JSON value's text stands for; None if it is none.

    Takes `3`, `3.0`, `3e0` and the string `"3"`; anything above LARGEST counts as LARGEST,
    however many digits it has.
    """
    if value_text.startswith('"') and value_text.endswith('"'):
        value_text = value_text[1:-1]
    match = _NUMBER.fullmatch(value_text)
    if match is None:
        return None
    minus, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 0
    if minus:
        return None
    significant = digits.rstrip("0")
    # Python's int() takes no text of thousands of digits, not even of zeros.
    power = exponent.lstrip("+-0") or "0"
    if len(power) > 9:
        return None if exponent.startswith("-") else LARGEST
    tens = -int(power) if exponent.startswith("-") else int(power)
    # The value is `significant` times ten to the power of `shift`.
    shift = tens - len(fraction) + len(digits) - len(significant)
    if shift < 0:
        return None
    if len(significant) + shift > 9:
        return LARGEST
    return int(significant + "0" * shift)
