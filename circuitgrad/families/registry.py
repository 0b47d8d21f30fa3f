"""The table of families: circuits of the literature, each a function of its size.

A family is a function with a decorator.  What its parameters may be is said once, in
`PARAMETERS`; the command line makes its options of them.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, LimitError

__all__ = ["FAMILIES", "MAX_GATES", "PARAMETERS", "Family", "Parameter", "family"]

#: No family makes more gates than this.
MAX_GATES: Final = 20_000_000


@dataclass(frozen=True)
class Parameter:
    """What a parameter may be.

    Parameters
    ----------
    help : str
        What it is, for the command line.
    least : int
        The least whole number; without ``choices``.
    choices : tuple of str
        The words that it may be; none says that it is a whole number.
    many : bool
        Whether it is a list of whole numbers.
    free : bool
        Whether it may be something else than a word, which the family looks at.
    most : int, optional
        The largest whole number.
    flag : bool
        Whether it is yes or no.
    """

    help: str
    least: int = 1
    choices: tuple[str, ...] = ()
    many: bool = False
    free: bool = False
    most: int | None = None
    flag: bool = False

    def checked(self, name: str, value: Any) -> Any:
        """Give a value, or say what would be one."""
        if self.flag:
            if not isinstance(value, bool):
                raise CircuitError(f"{name} is {value!r}: not True or False")
            return value
        if self.choices:
            if self.free and not isinstance(value, str):
                return value
            if value not in self.choices:
                known = ", ".join(self.choices)
                raise CircuitError(f"no {name} {value!r}; there are: {known}")
            return value
        if self.many:
            if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
                raise CircuitError(f"{name} is {value!r}: not a list of whole numbers")
            return tuple(self._whole(name, each) for each in value)
        return self._whole(name, value)

    def _whole(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise CircuitError(f"{name} is {value!r}: not a whole number")
        found = operator.index(value)
        if found < self.least:
            raise CircuitError(f"{name} is {found}: at least {self.least} is needed")
        if self.most is not None and found > self.most:
            raise CircuitError(f"{name} is {found}: at most {self.most} is there")
        return found


_ACTIVATIONS: Final = (
    "sigmoid",
    "tanh",
    "relu",
    "leaky-relu",
    "softplus",
    "arctan",
    "softmax",
    "radial-sigmoid",
    "identity",
)

#: What families are functions of, by name.
PARAMETERS: Final = {
    "n": Parameter("size: variables, degree, rows of a matrix"),
    "k": Parameter("degree of a symmetric polynomial; a power; size of a block"),
    "layers": Parameter("sizes of layers, the inputs first: 2,3,1", many=True),
    "activation": Parameter("of neurons", choices=_ACTIVATIONS),
    "output": Parameter("activation of the last layer", choices=_ACTIVATIONS),
    "loss": Parameter("of a network", choices=("square", "cross-entropy")),
    "data": Parameter(
        "what a network is trained on",
        choices=("students", "xor", "spirals"),
        free=True,
    ),
    "form": Parameter(
        "gates of a network: of arrays where there is a batch or a variant",
        choices=("scalar", "matrix"),
    ),
    "batch": Parameter("samples of a network, the rows of its input"),
    "variant": Parameter(
        "Algorithm of the notes on networks that gives the gradient, 1 to 5", most=5
    ),
    "jacobians": Parameter(
        "form the Jacobian of each activation, with a variant", flag=True
    ),
    "twiddles": Parameter("roots of unity", choices=("mod", "symbolic", "exact")),
    "prime": Parameter("prime that roots of unity are modulo", least=2),
    "d": Parameter("factors of a product of matrices", least=2),
    "det": Parameter(
        "the determinant whose gradient gives the inverse",
        choices=("gauss", "bareiss", "berkowitz", "faddeev", "clow"),
    ),
}


@dataclass(frozen=True)
class Family:
    """A family of circuits.

    Parameters
    ----------
    name : str
        On the command line: ``det-gauss``.
    make : callable
        Gives the circuit; arguments are not checked.
    gates : callable
        Gives about how many gates that has, from the same arguments, at once.
    """

    name: str
    make: Callable[..., Circuit]
    gates: Callable[..., int]

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters and their defaults, `inspect.Parameter.empty` for none."""
        found = inspect.signature(self.make).parameters
        return {name: each.default for name, each in found.items()}

    def __call__(self, *arguments: Any, **options: Any) -> Circuit:
        """Make a circuit.

        Raises
        ------
        CircuitError
            If an argument is missing, or not what it may be.
        LimitError
            If the circuit would have more than `MAX_GATES` gates.
        """
        try:
            bound = inspect.signature(self.make).bind(*arguments, **options)
        except TypeError as error:
            raise CircuitError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        given = {
            name: value if value is None else PARAMETERS[name].checked(name, value)
            for name, value in bound.arguments.items()
        }
        gates = self.gates(**given)
        if gates > MAX_GATES:
            about = min(gates, 10**300)  # what a float holds
            raise LimitError(
                f"{self.name} would have about {about:.3g} gates; "
                f"at most {MAX_GATES:,} are made (the limit)"
            )
        return self.make(**given)


FAMILIES: dict[str, Family] = {}


def family(
    name: str, gates: Callable[..., int]
) -> Callable[[Callable[..., Circuit]], Callable[..., Circuit]]:
    """Register a function as a family, and check its arguments before it is called.

    Parameters
    ----------
    name : str
    gates : callable
        About how many gates the circuit has, from the same arguments: what would be
        huge is refused before it is made.
    """

    def register(make: Callable[..., Circuit]) -> Callable[..., Circuit]:
        found = FAMILIES[name] = Family(name, make, gates)

        @functools.wraps(make)
        def checked(*arguments: Any, **options: Any) -> Circuit:
            return found(*arguments, **options)

        return checked

    return register
