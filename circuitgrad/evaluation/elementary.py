"""Elementary functions on float64 without branches, for loops over lanes.

A call to the C library for each lane keeps LLVM from working on several lanes at once.
These functions are polynomials, selections and bit patterns alone; a loop over them is
vectorised.  They are right to a few units in the last place, and at infinities, nan,
zeros and subnormal numbers as IEEE 754 and C99 (annex F) say; the tests compare them
with mpmath.  Constants and most reductions are those of FreeBSD's msun, the "fdlibm" of
Sun Microsystems (K. C. Ng, 1993).

No function here may be compiled with licence to reassociate.  A product and a sum
may become a fused multiply-add, which all of them take.
"""

from __future__ import annotations

import math
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = [
    "acos",
    "asin",
    "atan",
    "cos",
    "cosh",
    "exp",
    "log",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "tan",
    "tanh",
]

#: Larger angles lose digits in `reduced`; the C library takes them.
LARGEST_ANGLE = 1e6

#: Adding it to a number below 2^51 rounds that to an integer, in the low bits.
ROUNDER = 6755399441055744.0  # 1.5 * 2^52
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
INFINITY = float("inf")
NAN = float("nan")

function = numba.njit(forceinline=True, error_model="numpy", fastmath={"contract"})


@intrinsic
def bits(context: Any, x: Any) -> Any:
    """Read a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def from_bits(context: Any, x: Any) -> Any:
    """Read an int64 as a float64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@function
def power_of_two(n):
    """Give 2^n for -1022 <= n <= 1023, n an int64."""
    return from_bits((n + 1023) << 52)


@function
def nearest(x):
    """Give the integer nearest to x, as an int64 and as a float64."""
    t = x + ROUNDER
    return bits(t) - bits(ROUNDER), t - ROUNDER


@function
def copysign(x, sign):
    """Give x >= 0 the sign of another number."""
    return from_bits(bits(x) | (bits(sign) & -0x8000000000000000))


@function
def exponent(x):
    """Write exp(x) as 2^n (1 + p); give n and p."""
    n, whole = nearest(x * LOG2_E)
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    # exp(r) - 1 by Taylor's series, |r| <= ln(2)/2: the next term is below 2^-59 r.
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    return n, r + r * r * p


@function
def exp(x):
    """e^x."""
    y = -746.0 if x < -746.0 else x  # comparisons that nan fails, and so passes
    y = 710.0 if y > 710.0 else y
    n, p = exponent(y)
    half = n >> 1  # 2^n in two steps: it may be subnormal, or beyond the largest
    return (1.0 + p) * power_of_two(half) * power_of_two(n - half)


@function
def tanh(x):
    """Hyperbolic tangent: m/(m + 2) with m = e^(2|x|) - 1."""
    y = abs(x)
    y = 22.0 if y > 22.0 else y
    n, p = exponent(2.0 * y)
    scale = power_of_two(n)
    m = scale * p + (scale - 1.0)
    return copysign(m / (m + 2.0), x)


@function
def half_expm1(x):
    """(e^x - 1)/2 for 0 <= x, which overflows where sinh does."""
    y = 712.0 if x > 712.0 else x
    n, p = exponent(y)
    a = n >> 1
    b = n - 1 - a
    scale = power_of_two(a)
    return (scale * p + (scale - power_of_two(-1 - b))) * power_of_two(b)


@function
def sinh(x):
    """Hyperbolic sine: h + h/(2h + 1) with h = (e^|x| - 1)/2."""
    h = half_expm1(abs(x))
    quotient = h / (2.0 * h + 1.0)
    value = h + (0.5 if h > 1e300 else quotient)
    return x if abs(x) < 1e-8 else copysign(value, x)  # h has lost digits there


@function
def cosh(x):
    """Hyperbolic cosine: e/2 + 1/(2e) with e = e^|x|."""
    half = half_expm1(abs(x)) + 0.5
    return half + 0.25 / half


@function
def log_of_normal(x):
    """Natural logarithm of a normal number x > 0."""
    high = bits(x) - 0x3FE6A09E667F3BCD  # sqrt(1/2): then 1 lies inside [m, 2m)
    k = high >> 52
    f = from_bits(bits(x) - (k << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = (r * z + 6.666666666666735130e-01) * z
    h = 0.5 * f * f
    e = float_of(k)
    return e * LN2_HIGH - ((h - (s * (h + r) + e * LN2_LOW)) - f)


@function
def float_of(k):
    """Give a small int64 as a float64, by bits: older machines convert one by one."""
    return from_bits(k + bits(ROUNDER)) - ROUNDER


@function
def log(x):
    """Natural logarithm."""
    tiny = x < 2.2250738585072014e-308
    y = log_of_normal(x * 18014398509481984.0 if tiny else x)  # 2^54
    y = y - 37.429947750237048 if tiny else y  # 54 ln 2
    y = x if x == INFINITY else y
    y = -INFINITY if x == 0.0 else y
    return y if x >= 0.0 else NAN


@function
def softplus(x):
    """log(1 + e^x) = max(x, 0) + log1p(e^-|x|)."""
    t = exp(-abs(x))
    u = 1.0 + t
    rest = log_of_normal(u) + (t - (u - 1.0)) / u
    return (0.0 if x < 0.0 else x) + rest


@function
def sigmoid(x):
    """1/(1 + e^-x)."""
    return 1.0 / (1.0 + exp(-x))


@function
def reduced(x):
    """Write x = n pi/2 + y + tail, |x| <= `LARGEST_ANGLE`: n's low bits, y and tail."""
    n, whole = nearest(x * 6.36619772367581382433e-01)
    first = x - whole * 1.57079632673412561417e00  # both products are exact
    second = whole * 6.07710050630396597660e-11
    high = first - second
    low = (first - high) - second
    third = whole * 2.02226624871116645580e-21
    rest = low - third - whole * 8.47842766036889956997e-32
    y = high + rest
    return n, y, (high - y) + rest


@function
def sine_near_0(y, tail):
    """sin(y + tail) for |y| <= pi/4."""
    z = y * y
    r = 1.58969099521155010221e-10
    r = r * z - 2.50507602534068634195e-08
    r = r * z + 2.75573137070700676789e-06
    r = r * z - 1.98412698298579493134e-04
    r = r * z + 8.33333333332248946124e-03
    v = z * y
    return y - ((z * (0.5 * tail - v * r) - tail) + v * 1.66666666666666324348e-01)


@function
def cosine_near_0(y, tail):
    """cos(y + tail) for |y| <= pi/4."""
    z = y * y
    r = -1.13596475577881948265e-11
    r = r * z + 2.08757232129817482790e-09
    r = r * z - 2.75573143513906633035e-07
    r = r * z + 2.48015872894767294178e-05
    r = r * z - 1.38888888888741095749e-03
    r = (r * z + 4.16666666666666019037e-02) * z
    h = 0.5 * z
    w = 1.0 - h
    return w + (((1.0 - w) - h) + (z * r - y * tail))


@function
def sin(x):
    """Sine, for |x| <= `LARGEST_ANGLE`."""
    n, y, tail = reduced(x)
    value = cosine_near_0(y, tail) if n & 1 else sine_near_0(y, tail)
    value = -value if n & 2 else value
    return x if x == 0.0 else value  # -0.0 stays


@function
def cos(x):
    """Cosine, for |x| <= `LARGEST_ANGLE`."""
    n, y, tail = reduced(x)
    value = sine_near_0(y, tail) if n & 1 else cosine_near_0(y, tail)
    return -value if (n + 1) & 2 else value


@function
def tan(x):
    """Tangent, for |x| <= `LARGEST_ANGLE`."""
    n, y, tail = reduced(x)
    s = sine_near_0(y, tail)
    c = cosine_near_0(y, tail)
    value = -c / s if n & 1 else s / c
    return x if x == 0.0 else value


@function
def atan(x):
    """Inverse tangent: by the nearest of 0, 1/2, 1, 3/2 and infinity."""
    y = abs(x)
    top, below, high, low = y, 1.0, 0.0, 0.0
    if y >= 0.4375:
        top, below = 2.0 * y - 1.0, 2.0 + y
        high, low = 4.63647609000806093515e-01, 2.26987774529616870924e-17
    if y >= 0.6875:
        top, below = y - 1.0, y + 1.0
        high, low = 7.85398163397448278999e-01, 3.06161699786838301793e-17
    if y >= 1.1875:
        top, below = y - 1.5, 1.0 + 1.5 * y
        high, low = 9.82793723247329054082e-01, 1.39033110312309984516e-17
    if y >= 2.4375:
        top, below = -1.0, y
        high, low = 1.57079632679489655800e00, 6.12323399573676603587e-17
    t = top / below
    z = t * t
    r = 1.62858201153657823623e-02
    r = r * z - 3.65315727442169155270e-02
    r = r * z + 4.97687799461593236017e-02
    r = r * z - 5.83357013379057348645e-02
    r = r * z + 6.66107313738753120669e-02
    r = r * z - 7.69187620504482999495e-02
    r = r * z + 9.09088713343650656196e-02
    r = r * z - 1.11111104054623557880e-01
    r = r * z + 1.42857142725034663711e-01
    r = r * z - 1.99999999998764832476e-01
    r = (r * z + 3.33333333333329318027e-01) * z
    return copysign(high - ((t * r - low) - t), x)


@function
def arc_rest(z):
    """(asin(s) - s)/s with z = s^2 <= 1/4."""
    p = 3.47933107596021167570e-05
    p = p * z + 7.91534994289814532176e-04
    p = p * z - 4.00555345006794114027e-02
    p = p * z + 2.01212532134862925881e-01
    p = p * z - 3.25565818622400915405e-01
    p = p * z + 1.66666666666666657415e-01
    q = 7.70381505559019352791e-02
    q = q * z - 6.88283971605453293030e-01
    q = q * z + 2.02094576023350569471e00
    q = q * z - 2.40339491173441421878e00
    return p * z / (q * z + 1.0)


@function
def asin(x):
    """Inverse sine: pi/2 - 2 asin(sqrt((1 - |x|)/2)) beyond 1/2."""
    y = abs(x)
    outer = y > 0.5
    z = 0.5 * (1.0 - y) if outer else y * y
    s = math.sqrt(z) if outer else y
    rest = s * arc_rest(z)
    far = 7.85398163397448278999e-01 - (2.0 * rest - 6.12323399573676603587e-17)
    far = far - (2.0 * s - 7.85398163397448278999e-01)
    value = far if outer else s + rest
    return copysign(value if y == y else y, x)


@function
def acos(x):
    """Inverse cosine: 2 asin(sqrt((1 - |x|)/2)) beyond 1/2, pi minus it below -1/2."""
    y = abs(x)
    outer = y > 0.5
    z = 0.5 * (1.0 - y) if outer else y * y
    s = math.sqrt(z) if outer else x
    rest = s * arc_rest(z)
    near = 1.57079632679489655800e00 - (s - (6.12323399573676603587e-17 - rest))
    right = 2.0 * (s + rest)
    left = 3.14159265358979311600e00 - 2.0 * (s + (rest - 6.12323399573676603587e-17))
    far = right if x > 0.0 else left
    return far if outer else near
