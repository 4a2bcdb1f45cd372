"""Bytes, files, folders and archives to named texts that a kernel or a tool could have printed.

What mail programs, terminals, journals and web pages put around a text is taken off here, so that no form need know of
it. Archives are read in memory and never unpacked; everything is bounded.
"""

from __future__ import annotations

import bz2
import io
import json
import lzma
import os
import quopri
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ...errors import BadInput, quoted
from ...units import GiB, MiB, format_size

_zstd: Any = None
for _name in ("compression.zstd", "backports.zstd"):  # of Python 3.14; the same for older ones, if it is installed
    with suppress(ImportError):
        _zstd = _zstd or import_module(_name)

MOST_TEXT = 256 * MiB
"""Bytes of text that are read in all."""
MOST_OF_A_MEMBER = 64 * MiB
MOST_MEMBERS = 100_000
MOST_UNPACKED = 2 * GiB
"""Bytes that an archive may unpack to, those of members that are passed over included."""
RATIO = 300
"""An archive that unpacks to more than this many times its size, and more than 64 MiB, is a bomb."""
LZMA_MEMORY = 256 * MiB
ZSTD_WINDOW = 27
"""Binary logarithm of the bytes that zstd may look back; it is what zstd itself allows without being asked."""


@dataclass(frozen=True)
class Document:
    """A named text; ``root`` is the report or command line it came with."""

    name: str
    text: str
    root: str


def from_text(text: str | bytes, name: str = "", root: str = "") -> list[Document]:
    """The documents in a text or in bytes, which may be an archive. Raises `BadInput` for what is too much."""
    if isinstance(text, str):
        if len(text) > MOST_TEXT:
            raise _too_much(name)
        return [Document(name, clean(text), root)]
    data = bytes(text)
    return list(_Unpacking(root).documents(name, data, 0))


def from_paths(names: Iterable[str], stdin: Callable[[], bytes]) -> list[Document]:
    """The documents of files, folders, archives and ``-``. Raises `BadInput` for what cannot be read."""
    found: list[Document] = []
    total = 0
    for name in names:
        new = from_text(_read_all(stdin), "standard input") if name == "-" else list(_from_path(Path(name)))
        total += sum(len(document.text) for document in new)
        if total > MOST_TEXT:
            raise _too_much(name)
        found += new
    return found


def _read_all(stdin: Callable[[], bytes]) -> bytes:
    data = stdin()
    if len(data) > MOST_TEXT:
        raise _too_much("standard input")
    return data


def _from_path(path: Path) -> Iterator[Document]:
    try:
        if path.is_dir():
            yield from _from_folder(path)
            return
        if not path.is_file():
            raise BadInput(f"{quoted(str(path))} is no file or folder; name one that holds text about a host, or -.")
        if path.stat().st_size > MOST_TEXT:
            raise _too_much(path.name)
        data = path.read_bytes()
    except (OSError, ValueError) as why:
        if isinstance(why, BadInput):
            raise
        reason = why.strerror if isinstance(why, OSError) and why.strerror else str(why)
        raise BadInput(f"{quoted(str(path))} cannot be read ({reason}); name a file, a folder or -.") from None
    root = str(path) if _is_archive(data) else ""
    yield from from_text(data, path.absolute().as_posix(), root)


def _from_folder(folder: Path) -> Iterator[Document]:
    """Every small text file under a folder; links are not followed, and special files not opened."""
    unpacking, count = _Unpacking(str(folder)), 0
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(here) / name
            inside = path.relative_to(folder).as_posix()
            count += 1
            if count > MOST_MEMBERS:
                return
            try:
                if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_OF_A_MEMBER:
                    continue
                data = path.read_bytes()
            except OSError:
                continue
            if not passed_over(inside):
                yield from unpacking.documents(inside, data, 1)


_CONFIGURES = re.compile(r"(?:^|/)etc/(?!hostname|os-release|machine-id)|\.py$|\.html?$|\.so(\.|$)|(?:^|/)usr/share/")


def passed_over(name: str) -> bool:
    """Whether a member of a report says what somebody configured, not what the host is."""
    return bool(_CONFIGURES.search(name))


# --- archives --------------------------------------------------------------------------------------------------------

_MAGIC = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
          (b"\x28\xb5\x2f\xfd", "zst"))  # fmt: skip


def _kind(data: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    return "tar" if data[257:262] == b"ustar" else None


def _is_archive(data: bytes) -> bool:
    return _kind(data) is not None


_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError,
    MemoryError, OverflowError, IndexError, KeyError, struct.error, *((_zstd.ZstdError,) if _zstd else ()),
)  # fmt: skip
"""What the standard library raises for archives that are broken; NotImplementedError is a RuntimeError."""


class _Unpacking:
    """One report being read: what it may still unpack to."""

    def __init__(self, root: str) -> None:
        self.root, self.left, self.members, self.text = root, MOST_UNPACKED, MOST_MEMBERS, MOST_TEXT

    def documents(self, name: str, data: bytes, depth: int) -> Iterator[Document]:
        kind = _kind(data)
        if kind is None:
            if not _is_text(data):
                return
            self.text -= len(data)
            if self.text < 0:
                raise _too_much(name)
            yield Document(name, _named(name, clean(decode(data))), self.root)
            return
        if depth > 2:
            return
        if kind == "zst" and _zstd is None:
            raise BadInput(
                f"{quoted(name)} is packed by zstd, which needs hvlib[zstd]; install that, or unpack it first: zstd -d."
            )
        try:
            if kind == "zip":
                yield from self._zip(data, depth)
            elif kind == "tar":
                yield from self._tar(io.BytesIO(data), depth)
            else:
                yield from self._packed(name, kind, data, depth)
        except _BROKEN as why:
            if isinstance(why, BadInput):
                raise
            if depth == 0:
                raise BadInput(f"{quoted(name)} is a broken archive ({str(why)[:60]}); make it again.") from None

    def _packed(self, name: str, kind: str, data: bytes, depth: int) -> Iterator[Document]:
        stream = _Inflated(data, kind, self)
        head = stream.peek(512)
        if head[257:262] == b"ustar":
            yield from self._tar(stream, depth)
            return
        text = stream.read(MOST_TEXT + 1)
        if len(text) > MOST_TEXT:
            raise _too_much(name)
        yield from self.documents(name.removesuffix(f".{kind}"), text, depth + 1)

    def _tar(self, stream: Any, depth: int) -> Iterator[Document]:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=0) as archive:
            while True:
                try:
                    member = archive.next()
                except tarfile.HeaderError:
                    return  # what stands before a broken header is still told
                if member is None:
                    return
                archive.members = []  # type: ignore[attr-defined]  # or a list of a million members would grow
                self._count()
                if not member.isreg() or not 0 < member.size <= MOST_OF_A_MEMBER or passed_over(member.name):
                    continue
                file = archive.extractfile(member)
                if file is not None:
                    yield from self.documents(_inside(member.name), file.read(MOST_OF_A_MEMBER), depth + 1)

    def _zip(self, data: bytes, depth: int) -> Iterator[Document]:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                self._count()
                if member.is_dir() or member.file_size > MOST_OF_A_MEMBER or passed_over(member.filename):
                    continue
                if member.flag_bits & 1:
                    raise BadInput(f"{quoted(member.filename)} is encrypted; give the archive without a password.")
                with archive.open(member) as file:
                    text = file.read(MOST_OF_A_MEMBER)
                self.took(len(text), len(data))
                yield from self.documents(_inside(member.filename), text, depth + 1)

    def _count(self) -> None:
        self.members -= 1
        if self.members < 0:
            raise BadInput(f"an archive has more than {MOST_MEMBERS:,} members; give the few that describe the host.")

    def took(self, unpacked: int, packed: int) -> None:
        """Note bytes that were unpacked. Raises `BadInput` beyond the limits."""
        self.left -= unpacked
        so_far = MOST_UNPACKED - self.left
        if self.left < 0 or (so_far > 64 * MiB and so_far > RATIO * max(packed, 1)):
            raise BadInput(
                f"an archive unpacks to more than {format_size(MOST_UNPACKED)}, or to more than {RATIO} times its "
                "size; give the files in it that describe the host."
            )


class _Inflated(io.RawIOBase):
    """What a packed file holds, a piece at a time and no further than its report may go."""

    def __init__(self, data: bytes, kind: str, unpacking: _Unpacking) -> None:
        self.data, self.at, self.kind, self.unpacking = memoryview(data), 0, kind, unpacking
        self.engine, self.rest, self.buffer = self._new(), b"", b""

    def _new(self) -> Any:
        if self.kind == "gz":
            return zlib.decompressobj(31)
        if self.kind == "zst":
            return _zstd.ZstdDecompressor(options={_zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW})
        return bz2.BZ2Decompressor() if self.kind == "bz2" else lzma.LZMADecompressor(memlimit=LZMA_MEMORY)

    def _more(self) -> bytes:
        """Some more bytes, or none at the end."""
        while True:
            if self.engine.eof:
                self.rest = bytes(self.engine.unused_data)
                if not self.rest.strip(b"\0") and self.at >= len(self.data):
                    return b""
                if _kind(self.rest or bytes(self.data[self.at : self.at + 8])) != self.kind:
                    return b""
                self.engine = self._new()
            if self.kind == "gz":
                given = self.engine.unconsumed_tail or self.rest or self._take()
            else:
                given = self.rest or (self._take() if self.engine.needs_input else b"")
            self.rest = b""
            if not given and (self.kind == "gz" or self.engine.needs_input):
                return b""
            piece: bytes = self.engine.decompress(given, MiB)
            if piece:
                self.unpacking.took(len(piece), len(self.data))
                return piece

    def _take(self) -> bytes:
        piece = bytes(self.data[self.at : self.at + 64 * 1024])
        self.at += len(piece)
        return piece

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay."""
        while len(self.buffer) < size and (piece := self._more()):
            self.buffer += piece
        return self.buffer[:size]

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        pieces, have = [self.buffer], len(self.buffer)
        while (size < 0 or have < size) and (piece := self._more()):
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        if size < 0:
            size = len(whole)
        self.buffer = whole[size:]
        return whole[:size]

    def readable(self) -> bool:
        """Yes."""
        return True


_TOP = ("sys", "proc", "etc", "boot", "var", "sos_commands", "usr", "run")


def _inside(name: str) -> str:
    """A member's name without the folder of the report."""
    whole = name.replace("\\", "/").lstrip("./")
    first, _, rest = whole.partition("/")
    return whole if first in _TOP else rest or first


_KERNEL_FILE = re.compile(r"(?:^|/)((?:sys|proc)/[\w./-]{1,200})$")
_HOST_FILE = re.compile(r"(?:^|/)hostname(?:_-f)?$")


def _named(name: str, text: str) -> str:
    """The text of a file whose name says what its content is, with that name, as ``head`` writes it."""
    found = _KERNEL_FILE.search(name)
    if found and len(text) < 16_384:
        return f"==> /{found[1]} <==\n{text}"
    if _HOST_FILE.search(name) and len(text) < 256:
        return f"hostname: {text}"
    return text


# --- letters ---------------------------------------------------------------------------------------------------------


def _is_text(data: bytes) -> bool:
    head = data[:4096]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    return head.count(0) * 20 <= len(head) or _wide(head) is not None


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: every other byte is zero."""
    even, odd = head[::2], head[1::2]
    if odd and odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even and even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None


def decode(data: bytes) -> str:
    """Letters of bytes, whatever wrote them."""
    for mark, code in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(code, "replace")
    wide = _wide(data[:4096])
    return data.decode(wide, "replace") if wide else data.decode("utf-8", "replace")


_ANSI = re.compile(r"(?:\x1b|\^\[|␛)\[[0-9;:?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]")
_QUOTE = re.compile(r"^(?:[ \t]{0,8}[>|]){1,16} ?", re.MULTILINE)
_SOFT = re.compile(r"=[ \t]*\n")
_BOLD = re.compile(r"\*\*([\w /()-]{1,60}:?)\*\*")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:pre|code|p|div|span|td|tr|table|body|html|tt|b|i|font)\b[^<>]{0,200}>", re.IGNORECASE)


def clean(text: str) -> str:
    """A text without what its journey put around it: line ends, marks, colours, quoting, wrapping of a mail."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for letter, instead in _LETTERS:
        if letter in text:
            text = text.replace(letter, instead)
    if "[" in text and ("\x1b" in text or "^[" in text or "␛" in text):
        text = _by_pieces(text, lambda piece: _ANSI.sub("", piece))
    if "\n>" in text or text.startswith(">") or "\n |" in text:
        text = _by_pieces(text, lambda piece: _QUOTE.sub("", piece))
    if "=\n" in text or "=3D" in text:
        text = _unquoted(text)
    if "&" in text:
        for escaped, letter in _ESCAPED:
            if escaped in text:
                text = text.replace(escaped, letter)
    if "<" in text and (_BREAK.search(text) or "<pre" in text.lower() or "<td" in text.lower()):
        while "<<" in text:  # or each would be looked at
            text = text.replace("<<", "<")
        text = _by_pieces(text, lambda piece: _TAG.sub(" ", _BREAK.sub("\n", piece)))
    if "**" in text:
        text = _by_pieces(text, lambda piece: _BOLD.sub(r"\1", piece))
    if "\\_" in text:
        text = text.replace("\\_", "_")
    if text.lstrip()[:1] in ("{", "[") and ('"MESSAGE"' in text or '"msg"' in text):
        text = _journal(text)
    return _by_header(_by_sayer(_by_instance(text))) if len(text) <= PIECE else text


_LETTERS = (("\0", ""), ("\u00a0", " "), ("\u202f", " "), ("\u200b", ""), ("\ufeff", ""), ("\u2028", "\n"), ("│", "|"))
_ESCAPED = (
    ("&gt;", ">"), ("&lt;", "<"), ("&nbsp;", " "), ("&quot;", '"'), ("&apos;", "'"), ("&#39;", "'"), ("&#x27;", "'"),
    ("&#34;", '"'), ("&#47;", "/"), ("&#x2F;", "/"), ("&#x2f;", "/"), ("&#61;", "="), ("&#x3D;", "="), ("&#95;", "_"),
    ("&#58;", ":"), ("&#160;", " "), ("&#xA0;", " "), ("&#32;", " "), ("&#10;", "\n"), ("&#xA;", "\n"), ("&#13;", ""),
    ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&"), ("&amp;", "&"),
)  # fmt: skip
"""What pages make of letters that such text has; one after the other takes a tenth of what html.unescape() does."""
PIECE = 4 * MiB


def _by_pieces(text: str, change: Callable[[str], str]) -> str:
    """A text changed line by line, some megabytes at a time: what is taken out would else be held all at once."""
    pieces, at = [], 0
    while at < len(text):
        end = text.find("\n", at + PIECE) + 1 or len(text)
        if end - at > 2 * PIECE:  # such lines are no text that matters
            end = at + PIECE
        pieces.append(change(text[at:end]))
        at = end
    return "".join(pieces)


_ENCODED = re.compile(r"=(?:[0-9A-F]{2}|[ \t]{0,8}\n)")
_BROKEN_LINES = re.compile(r"^(?:[^\n]{48,74}[^=\n]=\n){1,60}[^\n]{0,100}", re.MULTILINE)
MOST_MARKS = 1 << 21


def _unquoted(text: str) -> str:
    """A mail in quoted-printable as it was: there, no other equals sign is left. Else the lines that it broke."""
    begin = text[: 1 << 22]
    marks = begin.count("=")
    if marks and len(_ENCODED.findall(begin)) >= 0.9 * marks:
        return _by_pieces(_SOFT.sub("", text) if "= " in text or "=\t" in text else text.replace("=\n", ""), _decoded)
    if text.count("=\n") > MOST_MARKS:
        return text
    return _by_pieces(text, lambda piece: _BROKEN_LINES.sub(lambda found: _decoded(_SOFT.sub("", found[0])), piece))


def _decoded(piece: str) -> str:
    return quopri.decodestring(piece.encode("utf-8", "replace")).decode("utf-8", "replace")


def _journal(text: str) -> str:
    """The messages of ``journalctl -o json`` or ``dmesg -J`` as lines with host and boot."""
    lines: list[str] = []
    boot = None
    for entry in _entries(text):
        message = entry.get("MESSAGE", entry.get("msg"))
        if isinstance(message, list) and all(isinstance(n, int) and 0 <= n < 256 for n in message):
            message = bytes(message).decode("utf-8", "replace")
        if not isinstance(message, str):
            continue
        if (now := entry.get("_BOOT_ID")) is not None and now != boot:
            boot = now
            lines.append(f"-- Boot {str(boot)[:40]} --")
        host = entry.get("_HOSTNAME")
        lines.append(f"{host} kernel: {message}" if isinstance(host, str) else message)
    return "\n".join(lines) if lines else text


_SAYS = re.compile(
    r"^([A-Za-z0-9][\w.-]{0,62}):[ \t]+(MemTotal|HugePages_Total|vm\.|nr_memmap|Linux |/proc/|/sys/)", re.MULTILINE
)


def _by_sayer(text: str) -> str:
    """What several hosts say of the same thing, each line after its host's name (pdsh, clush), one after the other."""
    sayers: dict[str, set[str]] = {}
    for name, word in _SAYS.findall(text):
        sayers.setdefault(word, set()).add(name)
    names = set().union(*(together for together in sayers.values() if len(together) > 1))
    if not names:
        return _by_logger(text) if " kernel" in text else text
    said: dict[str, list[str]] = {"": []}
    for line in text.split("\n"):
        name, colon, rest = line.partition(":")
        known = bool(colon) and name in names
        said.setdefault(name if known else "", []).append(rest.removeprefix(" ") if known else line)
    return "\n".join("\n".join([f"host: {name}", *lines] if name else lines) for name, lines in said.items())


_INSTANCE = re.compile(r"^node_\w+\{[^}\n]{0,300}?\binstance=\"([^\"\n]{1,80})\"", re.MULTILINE)


def _by_instance(text: str) -> str:
    """What Prometheus says of several hosts, one after the other."""
    if len(set(_INSTANCE.findall(text))) < 2:
        return text
    said: dict[str, list[str]] = {"": []}
    for line in text.split("\n"):
        found = _INSTANCE.match(line)
        said.setdefault(found[1] if found else "", []).append(line)
    heads = {name: f"host: {name.split(':')[0]}" for name in said if name}
    if "node_uname_info" in text:  # which tells the names of hosts
        heads = {name: f"-- Boot {number:04} --" for number, name in enumerate(heads)}
    return "\n".join("\n".join([heads[name], *lines] if name else lines) for name, lines in said.items())


_HEADER = re.compile(
    r"^(?:(?:={2,40}|#{2,40}|-{2,40}|\*{2,40}) ?([A-Za-z][\w.-]{1,62})[ =#*:-]{0,40}|([A-Za-z][\w.-]{1,62}):)[ \t]*$",
    re.MULTILINE,
)
_TIME = re.compile(r"(?:before|after|old|new|pre|post)\b.*", re.IGNORECASE)
_HEADED = re.compile(r"^[ \t]*(MemTotal:|HugePages_Total:|vm\.hugetlb_optimize_vmemmap)", re.MULTILINE)


def _by_header(text: str) -> str:
    """A loop over hosts: headers under which the same is said are taken for the names of hosts."""
    headers = list(_HEADER.finditer(text)) if _HEADED.search(text) else []
    ends = [*(header.start() for header in headers[1:]), len(text)]
    sayers: dict[str, set[str]] = {}
    for header, end in zip(headers, ends, strict=True) if headers else ():
        for word in set(_HEADED.findall(text, header.end(), end)):
            if not _TIME.fullmatch(header[1] or header[2]):
                sayers.setdefault(word, set()).add(header[1] or header[2])
    names = set().union(*(together for together in sayers.values() if len(together) > 1))
    if not names:
        return text
    return _HEADER.sub(
        lambda found: f"host: {found[1] or found[2]}" if (found[1] or found[2]) in names else found[0], text
    )


_LOGGED = re.compile(r"(?:<\d{1,3}>)?\S.{0,38}?\d\d:\d\d:\d\d\S* ([A-Za-z][\w.-]{0,62}) kernel(?:\[\d+\])?: ")


def _by_logger(text: str) -> str:
    """The log of several hosts, as a log server has it, one host after the other."""
    lines = [line for line in text.split("\n") if line.strip()]
    loggers = [found[1] for found in map(_LOGGED.match, lines) if found]
    if len(loggers) < len(lines) or len(set(loggers)) < 2:
        return text
    turn = {name: number for number, name in reversed(list(enumerate(loggers)))}
    return "\n".join(line for _, line in sorted(zip(loggers, lines, strict=True), key=lambda one: turn[one[0]]))


def _entries(text: str) -> Iterator[dict[str, Any]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict):
                yield entry
        return
    if isinstance(whole, dict):
        listed = next((value for value in whole.values() if isinstance(value, list)), None)
        whole = [whole] if listed is None or "MESSAGE" in whole or "msg" in whole else listed
    yield from (entry for entry in whole if isinstance(entry, dict))


def _too_much(name: str) -> BadInput:
    return BadInput(
        f"{quoted(name)} is more than {format_size(MOST_TEXT)} of text; give the lines that describe the host, for "
        "example those that grep -iE 'huge|memory|linux version' finds."
    )
