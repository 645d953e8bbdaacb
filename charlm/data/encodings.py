"""Bytes to text: encodings by name or detected, decoded strictly and piece by piece."""

import codecs
import itertools
from collections.abc import Iterator
from contextlib import suppress

from charlm.data.raw import RawInput
from charlm.errors import ConfigError, DataError

_PREFIX_BYTES = 1 << 20
_REMEDY = "Say which encoding it is in with --encoding NAME, or use --encoding auto."
# Codecs that hand the byte order mark on as a character; utf-8-sig, utf-16 and utf-32 take it themselves.
_KEEP_BOM = frozenset({"utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})
# Python's character encodings by the names that it gives them; not those for other ends, such as punycode, or that
# can spell lone surrogates, which are no characters, such as utf-7.
_KNOWN = frozenset(
    """
    ascii big5 big5hkscs cp037 cp1006 cp1026 cp1125 cp1140 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257
    cp1258 cp273 cp424 cp437 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863
    cp864 cp865 cp866 cp869 cp874 cp875 cp932 cp949 cp950 euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb18030 gb2312 gbk
    hp-roman8 hz iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    iso8859-1 iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 iso8859-2 iso8859-3 iso8859-4
    iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 johab koi8-r koi8-t koi8-u kz1048 mac-arabic mac-croatian
    mac-cyrillic mac-farsi mac-greek mac-iceland mac-latin2 mac-roman mac-romanian mac-turkish ptcp154 shift_jis
    shift_jis_2004 shift_jisx0213 tis-620 utf-16 utf-16-be utf-16-le utf-32 utf-32-be utf-32-le utf-8 utf-8-sig
    """.split()  # noqa: SIM905, a name a line is a hundred lines
)


def resolve_encoding(name: str) -> str:
    """Returns Python's one name for an encoding, such as 'utf-8' for 'UTF8'; one without a name is a ConfigError."""
    known = None
    with suppress(LookupError, ValueError):  # ValueError: a NUL in the name
        known = codecs.lookup(name).name
    if known not in _KNOWN:
        raise ConfigError(
            f"encoding {name!r} is not a text encoding; use for example utf-8, utf-16, latin-1 or cp1252, "
            "or auto to detect it."
        )
    return known


def detect_encoding(raw: RawInput) -> str:
    """Returns the encoding of the first MiB of the bytes, outside Unicode a guess; raises a DataError if none fits."""
    prefix = _bytes(raw, 0, _PREFIX_BYTES)
    if wide := _wide_encoding(prefix):
        return wide
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(prefix)
        return "utf-8"
    from charset_normalizer import from_bytes  # late: importing it takes a while

    if len(prefix) == _PREFIX_BYTES:
        # Whole lines only, so that the bound does not cut a character in two.
        prefix = prefix[: prefix.rfind(b"\n") + 1] or prefix
    matches = from_bytes(prefix)
    best = matches.best()
    if best is None:
        raise DataError(f"'{raw.name}': no encoding fits its bytes. If it is text, say which with --encoding NAME.")
    # Among equals the library goes by the alphabet; cp1252 is by far the most used of them.
    equals = (match for match in matches if (match.chaos, match.coherence) == (best.chaos, best.coherence))
    found = next((match for match in equals if match.encoding == "cp1252"), best)
    return resolve_encoding(found.encoding)


def decode(raw: RawInput, *, encoding: str, start: int = 0, stop: int | None = None) -> Iterator[str]:
    """Yields the text of bytes `start` to `stop - 1` in non-empty pieces; a byte order mark at offset 0 is dropped.

    Raises:
        DataError: a byte does not decode.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    drop_bom = start == 0 and encoding in _KEEP_BOM
    fed = start
    for block in itertools.chain(raw.blocks(start, stop), (b"",)):
        fed += len(block)
        try:
            piece = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            # The decoder's object may begin with bytes kept from earlier blocks; it ends where this block ends.
            offset = fed - len(error.object) + error.start
            raise _undecodable(raw, encoding, offset=offset, byte=error.object[error.start]) from None
        except UnicodeError as error:
            raise DataError(f"'{raw.name}' does not decode as {encoding} ({error}). {_REMEDY}") from None
        if drop_bom and piece:
            piece = piece.removeprefix("\ufeff")
            drop_bom = False
        if piece:
            yield piece


def character_start(raw: RawInput, offset: int) -> int:
    """Returns the first offset at or after `offset` at which a UTF-8 character starts, or the bytes end."""
    following = _bytes(raw, offset, offset + 3)
    return offset + sum(1 for _ in itertools.takewhile(lambda byte: byte & 0xC0 == 0x80, following))


def _bytes(raw: RawInput, start: int, stop: int) -> bytes:
    return b"".join(raw.blocks(start, stop))


def _wide_encoding(prefix: bytes) -> str | None:
    if prefix.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # They begin with those of UTF-16.
        return "utf-32"
    return "utf-16" if prefix.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _undecodable(raw: RawInput, encoding: str, *, offset: int, byte: int) -> DataError:
    where = f"byte 0x{byte:02x} at offset {offset} (line {_line_at(raw, encoding, offset)})"
    if encoding == "utf-8":
        prefix = _bytes(raw, 0, _PREFIX_BYTES)
        if wide := _wide_encoding(prefix):
            return DataError(
                f"'{raw.name}' begins with the byte order mark of {wide.upper()}: {where} is not UTF-8. "
                f"Use --encoding {wide}."
            )
        if b"\0" in prefix:
            return DataError(
                f"'{raw.name}' looks binary, not like text: it has NUL bytes, and {where} is not UTF-8. "
                "Give a text file, or its encoding with --encoding NAME."
            )
    return DataError(f"'{raw.name}' is not valid {encoding}: {where} does not decode. {_REMEDY}")


def _line_at(raw: RawInput, encoding: str, offset: int) -> int:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    line = 1
    with suppress(UnicodeError):  # UTF-16 without its mark is not replaced, but refused.
        for block in raw.blocks(0, offset):
            line += decoder.decode(block).count("\n")
    return line
