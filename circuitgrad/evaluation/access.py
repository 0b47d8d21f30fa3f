"""Reading and writing memory from what numba compiles, without further questions."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["deliver", "fetch", "get", "invoke", "put"]


@intrinsic
def get(context: Any, array: Any, index: Any) -> Any:
    """Read ``array[index]``; numba's own indexing asks for index < 0 first.

    That question keeps LLVM from seeing that neighbouring lanes are neighbours.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]], inbounds=True))

    return array.dtype(array, types.int64), generate


@intrinsic
def put(context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write ``array[index] = value``, converted to the kind of the array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        builder.store(arguments[2], builder.gep(data, [arguments[1]], inbounds=True))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


@intrinsic
def fetch(context: Any, registers: Any, address: Any, index: Any) -> Any:
    """Read the number at an address, of the kind that the registers are."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(signature.return_type)
        base = builder.inttoptr(arguments[1], ir.PointerType(kind))
        return builder.load(builder.gep(base, [arguments[2]]))

    return registers.dtype(registers, types.int64, types.int64), generate


@intrinsic
def deliver(context: Any, registers: Any, address: Any, index: Any, value: Any) -> Any:
    """Write a number to an address, of the kind that the registers are."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = builder.inttoptr(arguments[1], ir.PointerType(arguments[3].type))
        builder.store(arguments[3], builder.gep(base, [arguments[2]]))
        return context.get_dummy_value()

    signature = types.void(registers, types.int64, types.int64, registers.dtype)
    return signature, generate


@intrinsic
def invoke(context: Any, address: Any, registers: Any) -> Any:
    """Call machine code that takes a pointer to the registers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(registers)(context, builder, arguments[1])
        kind = ir.FunctionType(ir.VoidType(), [array.data.type])
        function = builder.inttoptr(arguments[0], ir.PointerType(kind))
        builder.call(function, [array.data])
        return context.get_dummy_value()

    return types.void(types.int64, registers), generate
