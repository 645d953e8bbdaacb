"""The bits of each character of a text as one page of HTML, without scripts and without anything to load."""

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from charlm.cli.display.surprisal import SCALE, alternatives, summary, symbol_names
from charlm.notation import visible
from charlm.page.document import content_policy, page_style, safe
from charlm.page.shading import bit_level_names

if TYPE_CHECKING:
    from charlm.evaluation.surprisal import Surprisal
    from charlm.runs.evaluate.surprisal import SurprisalResult

# Lines out of sight are not laid out, which keeps a long text fast; the line under the mouse must be, or its box would
# be placed inside the line. The box is above the lines after it, each of which is a stack of its own.
_STYLE = """
body { font: 1rem/1.7 system-ui, sans-serif; margin: 1.5rem auto 9rem; max-width: 60rem; padding: 0 1rem }
pre { font-family: ui-monospace, monospace; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
main pre { content-visibility: auto; contain-intrinsic-size: auto 1.7rem }
main pre:hover { content-visibility: visible }
b { font-weight: normal }
b:hover { outline: 2px solid }
b:hover::after { background: Canvas; border-top: 2px solid; bottom: 0; box-sizing: border-box; color: CanvasText;
  content: attr(data-i); left: 0; padding: .7rem 1.5rem; position: fixed; white-space: pre-wrap; width: 100%;
  z-index: 1 }
"""
_LINE, _END = "\n<pre>", "</pre>"


def surprisal_page(result: "SurprisalResult") -> Iterator[bytes]:
    """Yields the page in pieces, UTF-8; everything from the text and the vocabulary is escaped in it."""
    style = f"{page_style()}{_STYLE}"
    policy = content_policy(styles=[style])
    heading = safe(f"{result.run}: {result.text}")
    legend = " ".join(f'<b class="l{index}">{safe(name)}</b>' for index, name in enumerate(bit_level_names()))
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{heading}</title>\n<style>{style}</style>\n'
        f"</head>\n<body>\n<h1>{heading}</h1>\n<p>{safe(summary(result))}.</p>\n"
        f"<p>Bits per character: {legend}</p>\n<main>"
    ).encode()
    surprisal = result.surprisal
    expected = _expectations(surprisal)
    begins = True
    for text, bits, places in surprisal.stretches():
        figures = "\n".join(expected[place] for place in places if expected[place]) or "read, not scored"
        shown = "⏎" if text == "\n" else visible(text.replace("\t", "⇥"))
        piece = f'<b class="l{SCALE.level(bits / len(text))}" data-i="{figures}">{escape(shown)}</b>'
        ends = text == "\n"
        yield f"{_LINE if begins else ''}{piece}{_END if ends else ''}".encode()
        begins = ends
    yield f"{'' if begins else _END}\n</main>\n</body>\n</html>\n".encode()


def _expectations(surprisal: "Surprisal") -> list[str]:
    """Returns for each symbol its bits, its rank, and the likeliest symbols, escaped; nothing where not scored."""
    bits, scored = surprisal.bits.tolist(), surprisal.is_scored.tolist()
    ranks = surprisal.ranks.tolist() if surprisal.ranks is not None else None
    shares = surprisal.network_shares.tolist() if surprisal.network_shares is not None else None
    # Of what stands in double quotes, an apostrophe needs no escape.
    names = [escape(name, quote=False).replace('"', "&quot;") for name in symbol_names(surprisal)]
    texts = []
    for index, is_scored in enumerate(scored):
        if not is_scored:
            texts.append("")
            continue
        rank = "" if ranks is None else f", rank {ranks[index]}"
        share = "" if shares is None else f", network {shares[index]:.0%}, n-grams {1 - shares[index]:.0%}"
        listed = "   ".join(alternatives(surprisal, index, names)).replace("<", "&lt;")
        texts.append(f"{bits[index]:.2f} bits{rank}{share}\n{listed}".rstrip())
    return texts
