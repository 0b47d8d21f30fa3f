"""Names in a target language: what it reserves is renamed, and that is said.

A name of a circuit is an identifier of Unicode letters, digits and ``_``.  A target
spells it in its own alphabet; what it reserves, and what is taken, gets a suffix.
"""

from __future__ import annotations

import keyword
import textwrap
import unicodedata
from collections.abc import Callable, Container, Iterable
from typing import Final

__all__ = [
    "C_FUNCTIONS",
    "C_RESERVED",
    "MATH_FUNCTIONS",
    "PYTHON_RESERVED",
    "Names",
    "ascii_name",
    "python_name",
    "renaming",
]

#: Most renamed names that a note lists; the file lists all of them.
MAX_NOTED: Final = 8

PYTHON_RESERVED: Final = frozenset(
    # the names that a written function uses, those that nothing can be bound to, and
    # those of a module that the interpreter looks at
    {*keyword.kwlist, "__debug__", "float", "math", "np"}
    | {f"__{name}__" for name in ("builtins", "dir", "getattr", "path", "spec")}
)


def words(text: str) -> frozenset[str]:
    """Split a list of words."""
    return frozenset(text.split())


#: The functions of C99's <math.h> on doubles.
MATH_FUNCTIONS: Final = words(
    """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2
    expm1 fabs fdim floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint
    llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter
    nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh
    tgamma trunc
    """
)

_C_KEYWORDS: Final = words("""
    alignas alignof asm auto bool break case char const constexpr continue default do
    double else enum extern false float for fortran goto if inline int long nullptr
    register restrict return short signed sizeof static static_assert struct switch
    thread_local true typedef typeof typeof_unqual union unsigned void volatile while
""")
_CPP_KEYWORDS: Final = words("""
    and and_eq bitand bitor catch char16_t char32_t char8_t class co_await co_return
    co_yield compl concept const_cast consteval constinit decltype delete dynamic_cast
    explicit export friend mutable namespace new noexcept not not_eq operator or or_eq
    private protected public reinterpret_cast requires static_cast template this throw
    try typeid typename using virtual wchar_t xor xor_eq
""")
# What <math.h> and <stdlib.h> define besides, on common systems, and predefined macros.
_C_HEADERS: Final = words("""
    DOMAIN FP_ILOGB0 FP_ILOGBNAN FP_INFINITE FP_NAN FP_NORMAL FP_SUBNORMAL FP_ZERO HUGE
    HUGE_VAL HUGE_VALF HUGE_VALL I INFINITY MATH_ERREXCEPT MATH_ERRNO MAXFLOAT M_1_PI
    M_2_PI M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2
    M_SQRT2 NAN NULL OVERFLOW PLOSS SING TLOSS UNDERFLOW X_TLOSS complex div_t double_t
    drem errno finite float_t fpclassify free gamma i386 imaginary isfinite isgreater
    isgreaterequal isinf isless islessequal islessgreater isnan isnormal isunordered j0
    j1 jn ldiv_t linux malloc math_errhandling scalb signbit signgam significand size_t
    unix y0 y1 yn
""")
# Names that a function of external linkage must not take from the C library.
_C_LIBRARY: Final = words("""
    abort abs alloca atexit atof atoi atol atoll bcmp bcopy bsearch bzero cabs cacos
    cacosh calloc carg casin casinh catan catanh ccos ccosh cexp cimag clearerr clog
    conj cpow cproj creal csin csinh csqrt ctan ctanh div exit fclose feof ferror fflush
    ffs fgetc fgetpos fgets fopen fork fprintf fputc fputs fread freopen fscanf fseek
    fsetpos ftell fwrite getc getchar getenv gets index isalnum isalpha isascii isblank
    iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit labs ldiv
    llabs lldiv longjmp main mblen mbstowcs mbtowc memchr memcmp memcpy memmove memset
    perror printf putc putchar puts qsort raise rand realloc remove rename rewind rindex
    scanf setbuf setjmp setlocale setvbuf signal snprintf sprintf srand sscanf stpcpy
    strcasecmp strcat strchr strcmp strcoll strcpy strcspn strdup strerror strftime
    strlen strncat strncmp strncpy strpbrk strrchr strspn strstr strtod strtof strtok
    strtol strtold strtoll strtoul strtoull strxfrm system time tmpfile tmpnam toascii
    tolower toupper ungetc vfprintf vprintf vscanf vsnprintf vsprintf wcstombs wctomb
""")

#: Names that no variable of a written C function may have.
C_RESERVED: Final = frozenset(
    {
        *(_C_KEYWORDS | _CPP_KEYWORDS | _C_HEADERS),
        *(f"{name}{suffix}" for name in MATH_FUNCTIONS for suffix in ("", "f", "l")),
    }
)

#: Names that no written C function may have.
C_FUNCTIONS: Final = C_RESERVED | _C_LIBRARY


class Names:
    """Distinct names in a target for the names of a circuit.

    Parameters
    ----------
    labels : iterable of str
        Distinct names.  Those that the target can take as they are, it does.
    spell : callable
        Writes a name in the target's alphabet.
    reserved : container of str, optional
        What the target keeps to itself.
    """

    def __init__(
        self,
        labels: Iterable[str],
        spell: Callable[[str], str] = str,
        reserved: Container[str] = (),
    ) -> None:
        self.reserved = reserved
        self.given: dict[str, str] = {}
        self.taken: set[str] = set()
        waiting = []
        for label in labels:
            if label not in reserved and spell(label) == label:
                self.given[label] = label
                self.taken.add(label)
            else:
                waiting.append(label)
        for label in waiting:
            name = spell(label)
            self.given[label] = self._free(f"{name}_" if name in reserved else name)
        self._counts: dict[str, int] = {}

    def __getitem__(self, label: str) -> str:
        return self.given[label]

    @property
    def renamed(self) -> dict[str, str]:
        """The names that are others now."""
        return {label: name for label, name in self.given.items() if label != name}

    def fresh(self, stem: str) -> str:
        """Give a name that nothing has: the stem and a number."""
        count = self._counts.get(stem, 0) + 1
        while f"{stem}{count}" in self.taken or f"{stem}{count}" in self.reserved:
            count += 1
        self._counts[stem] = count
        return f"{stem}{count}"

    def _free(self, name: str) -> str:
        found, count = name, 1
        while found in self.taken or found in self.reserved:
            count += 1
            found = f"{name}{'' if name.endswith('_') else '_'}{count}"
        self.taken.add(found)
        return found


def python_name(label: str) -> str:
    """Spell a name as Python does; it reads compatibility letters as their originals.

    Examples
    --------
    >>> python_name("x²"), python_name("θ"), python_name("ﬁ")
    ('xu00b2', 'θ', 'ufb01')
    """
    if label.isidentifier() and unicodedata.normalize("NFKC", label) == label:
        return label
    return ascii_name(label)


def ascii_name(label: str) -> str:
    """Spell a name in ASCII letters, digits and ``_``, with no ``_`` in front.

    Greek letters get their names, accents go, other letters become code points.

    Examples
    --------
    >>> ascii_name("θ1"), ascii_name("é"), ascii_name("中"), ascii_name("_x")
    ('theta1', 'e', 'u4e2d', 'x_')
    """
    spelled = label if label.isascii() else "".join(map(_ascii, label))
    bare = spelled.lstrip("_")  # names that begin with _ are the implementation's
    spelled = bare + "_" * (len(spelled) - len(bare))
    return spelled if bare and not bare[0].isdigit() else f"v{spelled}"


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    greek = greek_name(char)
    if greek is not None:
        return greek
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() and base.isalnum() else f"u{ord(char):04x}"


def greek_name(char: str) -> str | None:
    """Give the name of a Greek letter, with a capital for a capital; else None."""
    for kind in ("SMALL", "CAPITAL"):
        words = unicodedata.name(char, "").removeprefix(f"GREEK {kind} LETTER ")
        if words.isalpha() and words != unicodedata.name(char, ""):
            name = {"LAMDA": "LAMBDA"}.get(words, words)
            return name.lower() if kind == "SMALL" else name.capitalize()
    return None


def renaming(*renamed: dict[str, str]) -> tuple[list[str], str | None]:
    """Say what was renamed: lines for the file, and a note for the person.

    Returns
    -------
    lines : list of str
        Every renamed name; empty where there is none.
    note : str or None
    """
    pairs: dict[str, None] = {}
    for names in renamed:
        pairs.update(dict.fromkeys(f"{old} -> {new}" for old, new in names.items()))
    if not pairs:
        return [], None
    said = list(pairs)
    more = len(said) - MAX_NOTED
    note = ", ".join(said[:MAX_NOTED]) + (f" and {more:,} more" if more > 0 else "")
    lines = textwrap.wrap(f"Renamed: {', '.join(said)}.", 74, break_long_words=False)
    return lines, f"renamed {note}"
