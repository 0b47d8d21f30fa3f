"""Reading plain lines in bulk: ``NAME = `` a flat expression, as files of gates are.

Large circuits are written by programs, a gate a line.  One loop over the bytes of a
text makes them tokens; a second one reads lines of tokens, while they are plain: sums
of products of names and numbers, powers, ``a/b``, ``1/b`` and functions of names, in
ASCII.  It stops at the first line that is anything else, or is wrong, and makes nothing
of it.  The general reader takes that line, and says what is wrong with it.  So there is
one grammar and one place for errors, and this is a shortcut through them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from circuitgrad import exact
from circuitgrad.columns import Ints, RawColumns, starts_of
from circuitgrad.errors import CircuitgradError
from circuitgrad.gates import DIV, INV, POWER, PROD, SUM, gate_types
from circuitgrad.limits import limit
from circuitgrad.loops import kernel

__all__ = ["PlainLines"]

# Kinds of tokens; punctuation is its own character.
_NAME: Final = 1
_NUMBER: Final = 2
_OTHER: Final = 3  # makes its line one for the general reader
_STOP: Final = 4  # behind the last token of a line
(
    _PLUS, _MINUS, _TIMES, _OVER, _POWER, _OPEN, _CLOSE, _COMMA, _EQUALS,
) = map(ord, "+-*/^(),=")  # fmt: skip


@kernel
def _tokenize(text, table, at, length, kind, value, line_at, found):  # type: ignore[no-untyped-def]
    """Make tokens of a text; names and numbers get numbers, equal ones the same.

    ``table`` is an open-addressing hash table, filled with -1, of the words that
    ``at`` and ``length`` say where to find.  ``line_at`` is the first token of each
    line.  ``found`` counts tokens, words and lines.
    """
    slots = len(table) - 1
    tokens, words, lines = 0, 0, 0
    i, end = 0, len(text)
    line_at[0] = 0
    while i < end:
        c = text[i]
        if c == 32 or c == 9 or (c == 13 and (i + 1 == end or text[i + 1] == 10)):
            i += 1
            continue
        if c == 35:  # a comment
            while i < end and text[i] != 10:
                i += 1
            continue
        if c == 10:
            kind[tokens] = _STOP
            tokens += 1
            lines += 1
            line_at[lines] = tokens
            i += 1
            continue
        start, code = i, 0
        digits = 48 <= c <= 57
        dots = 0
        while (
            48 <= c <= 57
            or (c == 46 and digits)
            or (not digits and (97 <= c <= 122 or 65 <= c <= 90 or c == 95))
        ):
            code = ((code ^ c) * 0x01000193) & 0x3FFFFFFF
            dots += c == 46
            i += 1
            c = text[i] if i < end else 10
        strange = c >= 128 or c == 46 or dots > 1
        if digits and (97 <= c <= 122 or 65 <= c <= 90 or c == 95):
            strange = True
        if i == start or strange:
            kind[tokens] = _OTHER
            known = 40 <= c <= 47 or c == 61 or c == 94
            if i == start and known and c != 46:
                kind[tokens] = c
            i += 1
            tokens += 1
            continue
        place = (code ^ (code >> 15)) & slots
        word = table[place]
        while word >= 0:
            if length[word] == i - start:
                k = 0
                while k < i - start and text[at[word] + k] == text[start + k]:
                    k += 1
                if k == i - start:
                    break
            place = (place + 1) & slots
            word = table[place]
        if word < 0:
            word = words
            table[place] = word
            at[word] = start
            length[word] = i - start
            words += 1
        kind[tokens] = _NUMBER if digits else _NAME
        value[tokens] = word
        tokens += 1
    kind[tokens] = _STOP
    found[0] = tokens + 1
    found[1] = words
    found[2] = lines + 1
    line_at[lines + 1] = tokens + 1


@kernel
def _read_lines(  # type: ignore[no-untyped-def]
    kind, value, line_at, line, first, vertex_of, function_of, arity, same, zero, one,
    one_vertex, factor, term, weight,
    op, fan_in, operands, weights, params, named, found,
):  # fmt: skip
    """Read plain lines from line ``line`` on, gates from vertex ``first`` on.

    ``same`` gives the first word for each number; a weight is a numerator and a
    denominator, both of them words, and a sign.  ``found`` takes the line where the
    loop stopped, and counts gates, wires and names.
    """
    gates, wires, names = 0, 0, 0
    while line < len(line_at) - 1:
        i = line_at[line]
        if kind[i] == _STOP:
            line += 1
            continue
        old_gates, old_wires = gates, wires
        name = value[i]
        if kind[i] != _NAME or kind[i + 1] != _EQUALS or vertex_of[name] != -1:
            break
        i += 2
        negative = kind[i] == _MINUS
        if negative:
            i += 1
        terms, numbers = 0, 0
        good = True
        while good:
            above, below, factors = one, one, 0
            if kind[i] == _NUMBER:
                above = same[value[i]]
                i += 1
                if kind[i] == _OVER and kind[i + 1] == _NUMBER:
                    below = same[value[i + 1]]
                    i += 2
                good = not zero[below]
                if kind[i] == _TIMES:
                    i += 1
                    factors = -1  # are to follow
                elif kind[i] == _OVER:  # 1/x
                    good = good and above == one and below == one
                    good = good and kind[i + 1] == _NAME and kind[i + 2] != _OPEN
                    good = good and kind[i + 2] != _POWER
                    if not good or vertex_of[value[i + 1]] < 0:
                        good = False
                        break
                    op[gates] = INV
                    params[gates] = -1
                    fan_in[gates] = 1
                    operands[wires] = vertex_of[value[i + 1]]
                    weights[wires] = -1
                    wires += 1
                    factor[0] = first + gates
                    gates += 1
                    factors = 1
                    i += 2
                else:
                    numbers += 1
                    factor[0] = one_vertex
                    factors = 1
            else:
                factors = -1
            if factors < 0:
                factors = 0
                while good:
                    if kind[i] != _NAME:
                        good = False
                        break
                    word = value[i]
                    i += 1
                    if kind[i] == _OPEN:
                        code = function_of[word]
                        many = 0
                        while code >= 0 and kind[i] != _CLOSE:
                            good = kind[i + 1] == _NAME and vertex_of[value[i + 1]] >= 0
                            good = good and (kind[i + 2] in (_COMMA, _CLOSE))
                            if not good:
                                break
                            operands[wires] = vertex_of[value[i + 1]]
                            weights[wires] = -1
                            wires += 1
                            many += 1
                            i += 2
                        good = good and code >= 0 and many > 0
                        if not good or (arity[code] >= 0 and arity[code] != many):
                            good = False
                            break
                        i += 1
                        op[gates] = code
                        params[gates] = -1
                        fan_in[gates] = many
                        factor[factors] = first + gates
                        gates += 1
                    else:
                        factor[factors] = vertex_of[word]
                        if vertex_of[word] < 0:
                            good = False
                            break
                    if kind[i] == _POWER:
                        i += 1
                        bracket = kind[i] == _OPEN
                        i += bracket
                        minus = kind[i] == _MINUS
                        i += minus
                        if kind[i] != _NUMBER:
                            good = False
                            break
                        upper, lower = same[value[i]], one
                        i += 1
                        if bracket:
                            if kind[i] == _OVER and kind[i + 1] == _NUMBER:
                                lower = same[value[i + 1]]
                                i += 2
                            good = kind[i] == _CLOSE and not zero[lower]
                            i += 1
                        if not good or kind[i] == _POWER:
                            good = False
                            break
                        op[gates] = POWER
                        fan_in[gates] = 1
                        params[gates] = (upper << 32) | (lower << 1) | minus
                        operands[wires] = factor[factors]
                        weights[wires] = -1
                        wires += 1
                        factor[factors] = first + gates
                        gates += 1
                    factors += 1
                    if kind[i] != _TIMES:
                        break
                    i += 1
                if good and kind[i] == _OVER:  # x/y
                    good = factors == 1 and kind[i + 1] == _NAME
                    good = good and kind[i + 2] != _OPEN and kind[i + 2] != _POWER
                    if not good or vertex_of[value[i + 1]] < 0:
                        good = False
                        break
                    op[gates] = DIV
                    params[gates] = -1
                    fan_in[gates] = 2
                    operands[wires] = factor[0]
                    operands[wires + 1] = vertex_of[value[i + 1]]
                    weights[wires] = -1
                    weights[wires + 1] = -1
                    wires += 2
                    factor[0] = first + gates
                    gates += 1
                    i += 2
            if not good:
                break
            if factors > 1:
                op[gates] = PROD
                params[gates] = -1
                fan_in[gates] = factors
                for k in range(factors):
                    operands[wires] = factor[k]
                    weights[wires] = -1
                    wires += 1
                factor[0] = first + gates
                gates += 1
            term[terms] = factor[0]
            weight[terms] = (above << 32) | (below << 1) | negative
            terms += 1
            good = kind[i] in (_STOP, _PLUS, _MINUS)
            if kind[i] == _STOP:
                break
            negative = kind[i] == _MINUS
            i += 1
        good = good and numbers < terms
        if good:
            is_one = weight[0] >> 32 == (weight[0] >> 1) & 0x7FFFFFFF
            if terms > 1 or not is_one or weight[0] & 1:
                op[gates] = SUM
                params[gates] = -1
                fan_in[gates] = terms
                for k in range(terms):
                    operands[wires] = term[k]
                    weights[wires] = weight[k]
                    wires += 1
                gates += 1
        if not good or gates == old_gates:  # another name of a vertex is no gate
            gates, wires = old_gates, old_wires
            break
        vertex_of[name] = first + gates - 1
        named[names] = name
        names += 1
        line += 1
    found[0] = line
    found[1] = gates
    found[2] = wires
    found[3] = names


class PlainLines:
    """The lines of a text, as far as they are plain.

    Attributes
    ----------
    vertex_of : array of int32
        The vertex of each word that is a name; -1 where none is defined.
    """

    def __init__(self, text: bytes) -> None:
        self.bytes = np.frombuffer(text, dtype=np.uint8)
        size = len(text)
        lines = text.count(b"\n") + 2
        # Memory that is reserved and never touched costs nothing.
        self.at, self.length = np.empty((2, size + 2), dtype=np.int32)
        self.table = np.full(1 << max(6, (size // 4).bit_length()), -1, dtype=np.int32)
        kind = np.empty(size + 4, dtype=np.uint8)
        value = np.empty(size + 4, dtype=np.int32)
        line_at = np.empty(lines + 1, dtype=np.int64)
        found = np.zeros(3, dtype=np.int64)
        _tokenize(
            self.bytes, self.table, self.at, self.length, kind, value, line_at, found
        )
        tokens, words, lines = found.tolist()
        kind[tokens : tokens + 3] = _STOP
        self.kind, self.value = kind[: tokens + 3], value[: tokens + 3]
        self.line_at = line_at[: lines + 1]
        self.words = words
        self._read_words()
        longest = int(np.diff(self.line_at).max())
        self.factor = np.empty(longest + 1, dtype=np.int32)
        self.term = np.empty(longest + 1, dtype=np.int32)
        self.weight = np.empty(longest + 1, dtype=np.int64)

    def _read_words(self) -> None:
        """Find out which words are numbers, functions and reserved."""
        words = self.words
        self.vertex_of = np.full(words + 1, -1, dtype=np.int32)
        self.function_of = np.full(words + 1, -1, dtype=np.int32)
        for code, gate in enumerate(gate_types(), start=2):
            word = self.word(gate.name)
            # a number among their arguments is for the general reader, and shapes are
            general = gate.takes_parameter or gate.matrix or code == SUM
            if word >= 0 and not general:
                self.function_of[word] = code
        pi = self.word("pi")
        if pi >= 0:
            self.vertex_of[pi] = -2
        too_long = np.append(self.length[:words] > limit("name"), False)
        if too_long.any():
            names = np.flatnonzero(self.kind[: len(self.value)] == _NAME)
            self.kind[names[too_long[self.value[names]]]] = _OTHER
        self.same = np.arange(words + 1, dtype=np.int32)
        self.zero = np.zeros(words + 1, dtype=np.bool_)
        self.numbers: dict[int, Fraction] = {words: Fraction(1)}  # one word more
        first: dict[Fraction, int] = {Fraction(1): words}
        literal = self.kind[: len(self.value)] == _NUMBER
        seen = np.zeros(words + 1, dtype=np.bool_)
        seen[self.value[literal]] = True
        wrong = np.zeros(words + 1, dtype=np.bool_)
        for word in np.flatnonzero(seen).tolist():
            number = self._number(self.text(word))
            if number is None:
                wrong[word] = True
                continue
            self.numbers[word] = number
            self.zero[word] = number == 0
            self.same[word] = first.setdefault(number, word)
        tokens = np.flatnonzero(literal)
        self.kind[tokens[wrong[self.value[tokens]]]] = _OTHER

    @staticmethod
    def _number(text: str) -> Fraction | None:
        try:
            value = exact.check_digits(exact.parse_decimal(text))
            return exact.check_power(value)  # it may be an exponent
        except (CircuitgradError, ValueError):
            return None

    def text(self, word: int) -> str:
        """Give a word."""
        at, length = int(self.at[word]), int(self.length[word])
        return bytes(self.bytes[at : at + length]).decode()

    def word(self, text: str) -> int:
        """Find a word; -1 where the text has no such one."""
        data = text.encode()
        code = 0
        for c in data:
            code = ((code ^ c) * 0x01000193) & 0x3FFFFFFF
        slots = len(self.table) - 1
        place = (code ^ (code >> 15)) & slots
        while (word := int(self.table[place])) >= 0:
            at, length = int(self.at[word]), int(self.length[word])
            if length == len(data) and bytes(self.bytes[at : at + length]) == data:
                return word
            place = (place + 1) & slots
        return -1

    def texts(self, words: Ints) -> list[str]:
        """Give words, in bulk."""
        length = self.length[words].astype(np.int64)
        ends = np.cumsum(length + 1)
        at = np.repeat(self.at[words] - (ends - length - 1), length + 1)
        at += np.arange(len(at))
        data = np.append(self.bytes, np.uint8(0))[at]
        data[ends - 1] = ord("\n")
        texts: list[str] = data.tobytes().decode().split("\n")[:-1]
        return texts

    def read(self, line: int, first: int, one: int) -> tuple[int, RawColumns, Ints]:
        """Read from a line on, as far as lines are plain.

        Parameters
        ----------
        line : int
            Counted from 0.
        first, one : int
            The next vertex, and that of the constant 1.

        Returns
        -------
        line : int
            The first line that was not read.
        raw : RawColumns
            The gates.
        named : array of int
            The word that each line defined; `vertex_of` has its vertex.
        """
        room = int(self.line_at[-1] - self.line_at[line]) + 1
        op = np.empty(room, dtype=np.uint8)
        fan_in, operands, named = np.empty((3, room), dtype=np.int32)
        weights, params = np.empty((2, room), dtype=np.int64)
        found = np.zeros(4, dtype=np.int64)
        arity = [-1 if gate.arity is None else gate.arity for gate in gate_types()]
        _read_lines(
            self.kind, self.value, self.line_at, line, first, self.vertex_of,
            self.function_of, np.array([0, 0, *arity], dtype=np.int32), self.same,
            self.zero, self.words, one, self.factor, self.term, self.weight,
            op, fan_in, operands, weights, params, named, found,
        )  # fmt: skip
        line, gates, wires, names = found.tolist()
        offsets = starts_of(fan_in[:gates])
        raw = RawColumns(
            op[:gates].copy(),
            offsets,
            operands[:wires].copy(),
            self._places(weights[:wires], exact.ONE),
            self._places(params[:gates], -1),
            np.zeros(gates, dtype=np.int32),
        )
        return line, raw, named[:names].copy()

    def _places(self, codes: Ints, default: int) -> Ints:
        """Give the places of numbers that are said as in `_read_lines`."""
        places = np.full(len(codes), default, dtype=np.int32)
        said = np.flatnonzero(codes >= 0)
        kinds, kind = np.unique(codes[said], return_inverse=True)
        found = []
        for code in kinds.tolist():
            above, below = code >> 32, (code >> 1) & 0x7FFFFFFF
            number = self.numbers[above] / self.numbers[below]
            found.append(exact.intern(-number if code & 1 else number))
        places[said] = np.array(found, dtype=np.int32)[kind]
        return places
