"""Sums over data sets in chunks are the sums, whatever the chunks and the scheduler."""

from __future__ import annotations

import pickle
import sys
import weakref

import networks
import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.errors import ShapeError
from circuitgrad.evaluation import chunks
from circuitgrad.evaluation.rows import FileRows

dask = pytest.importorskip("dask", reason="dask is not installed: the extra dask")
da = pytest.importorskip("dask.array", reason="dask.array is not installed")

ROWS, BATCH = 48, 4
SHAPES = networks.shapes_of(6, 5, 3, BATCH)
GRADIENT = cg.gradient(
    networks.loss_circuit(SHAPES), wrt=networks.PARAMETERS, value=True
)
DRAWN = networks.start(networks.shapes_of(6, 5, 3, ROWS))
DATA = {name: DRAWN[name].astype(float) for name in ("X", "Y")}
FIXED = {name: DRAWN[name].astype(float) for name in networks.PARAMETERS}


def part(start, stop):
    return {name: array[start:stop] for name, array in DATA.items()}


def parts(size):
    return [part(start, start + size) for start in range(0, ROWS, size)]


@pytest.fixture(scope="module")
def expected():
    found = [cg.evaluate(GRADIENT, {**FIXED, **each}) for each in parts(BATCH)]
    return {name: sum(each[name] for each in found) for name in GRADIENT.output_names}


def agree(found, expected, tolerance=1e-12):
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert type(found[name]) is float or found[name].dtype == np.float64
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("scheduler", [None, "synchronous", "threads"])
@pytest.mark.parametrize("rows", [None, 1, 9, 1000])
def test_arrays_in_chunks_of_any_size(expected, rows, scheduler):
    found = cg.map_reduce(GRADIENT, DATA, rows=rows, scheduler=scheduler, **FIXED)
    agree(found, expected)


@pytest.mark.parametrize("sizes", [(-1, -1), (5, 2), (17, 6)])
def test_dask_arrays_whose_chunks_are_not_of_batches(expected, sizes):
    X = da.from_array(DATA["X"], chunks=sizes)  # noqa: N806
    agree(cg.map_reduce(GRADIENT, {"Y": DATA["Y"], "X": X}, FIXED), expected)
    agree(cg.map_reduce(GRADIENT, {"Y": DATA["Y"], "X": X}, FIXED, rows=8), expected)


def test_chunks_one_after_another(expected):
    agree(cg.map_reduce(GRADIENT, iter(parts(8)), **FIXED), expected)
    made = [dask.delayed(part)(start, start + 12) for start in range(0, ROWS, 12)]
    agree(cg.map_reduce(GRADIENT, made, **FIXED), expected)
    mixed = [*made[:2], part(24, 40), part(40, 40), part(40, ROWS)]
    agree(cg.map_reduce(GRADIENT, mixed, **FIXED), expected)


def test_chunks_of_an_iterable_are_let_go(expected, monkeypatch):
    monkeypatch.setattr(chunks, "_HELD", 3)
    seen, most = weakref.WeakSet(), 0

    class Chunk(dict):
        __hash__ = object.__hash__

    def made():
        nonlocal most
        for each in parts(BATCH):
            chunk = Chunk(each)
            seen.add(chunk)
            most = max(most, len(seen))
            yield chunk
            del chunk

    agree(cg.map_reduce(GRADIENT, made(), scheduler="synchronous", **FIXED), expected)
    assert most <= 4  # of 12: three, and the one that a loop still has a hand on


def test_float32_is_summed_in_float64(expected):
    agree(cg.map_reduce(GRADIENT, DATA, dtype=np.float32, **FIXED), expected, 1e-5)
    tenth = cg.trace(lambda x: x / 10, shapes={"x": (1,)})
    found = cg.map_reduce(tenth, {"x": np.ones(10_000)}, dtype="float32")
    assert found["f"][0] == pytest.approx(1000 * float(np.float32(0.1)) * 10, rel=1e-12)


def test_one_row_at_a_time():
    """Inputs without an axis of rows: arrays, and scalars in a circuit of arrays."""
    circuit = cg.trace(lambda w, x, y: (w @ x - y) ** 2, shapes={"w": (3,), "x": (3,)})
    gradient = cg.gradient(circuit, wrt="w", value=True)
    draw = np.random.default_rng(0)
    w, x, y = draw.normal(size=3), draw.normal(size=(20, 3)), draw.normal(size=20)
    rest = x @ w - y
    found = cg.map_reduce(gradient, {"x": x, "y": y}, {"w": w}, rows=7)
    agree(found, {"f": rest @ rest, "df_dw": 2 * rest @ x})


def test_a_circuit_of_scalars():
    circuit = cg.gradient(cg.parse_expression("(w*x - y)^2"), wrt="w", value=True)
    x = np.arange(1000.0)
    for data in (
        {"x": x, "y": 3 * x + 1},
        [{"x": x[:300], "y": 3 * x[:300] + 1}, {"x": x[300:], "y": 3 * x[300:] + 1}],
    ):
        found = cg.map_reduce(circuit, data, w=3, rows=64)
        assert found == {"f": 1000.0, "df_dw": -2 * x.sum()}
    assert cg.map_reduce(cg.parse_expression("0*x + 2"), {"x": [1, 2, 3]}) == {"f": 6}


# ---------------------------------------------------------------------- files


@pytest.fixture
def mapped(tmp_path):
    """Give the data as a memory map of a ``.npy`` file, and a part of a raw one."""
    np.save(tmp_path / "X.npy", DATA["X"])
    more = np.concatenate([np.zeros((3, 3)), DATA["Y"]])
    more.tofile(tmp_path / "Y.bin")
    return {
        "X": np.load(tmp_path / "X.npy", mmap_mode="r"),
        "Y": np.memmap(tmp_path / "Y.bin", float, "r", shape=more.shape)[3:],
    }


def test_memory_maps_travel_as_names_of_files(expected, mapped):
    agree(cg.map_reduce(GRADIENT, mapped, rows=8, **FIXED), expected)
    rows = FileRows.of(mapped["Y"], 8, 12)
    assert len(pickle.dumps(rows)) < 500
    assert np.array_equal(np.asarray(pickle.loads(pickle.dumps(rows))), DATA["Y"][8:12])
    assert np.asarray(FileRows.of(mapped["Y"], 8, 8)).shape == (0, 3)


def test_part_of_the_columns_of_a_memory_map(mapped):
    total = cg.trace(lambda x: cg.functions.sum(x, axis=0), shapes={"x": (4, 2)})
    found = cg.map_reduce(total, {"x": mapped["X"][:, 1:3]})
    agree(found, {"f": DATA["X"][:, 1:3].sum(axis=0)})


def test_anything_that_gives_its_rows_when_it_is_indexed(expected):
    class Lazy:
        shape, dtype, ndim = DATA["X"].shape, DATA["X"].dtype, 2
        most = 0

        def __getitem__(self, at):
            found = DATA["X"][at]
            self.most = max(self.most, len(found))
            return found

    lazy = Lazy()
    found = cg.map_reduce(
        GRADIENT, {**DATA, "X": lazy}, rows=8, scheduler="synchronous", **FIXED
    )
    agree(found, expected)
    assert lazy.most == 8


def test_a_cluster_in_this_process(expected, mapped):
    distributed = pytest.importorskip(
        "distributed", reason="distributed is not installed: the extra dask"
    )
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None
    ) as client:
        agree(cg.map_reduce(GRADIENT, mapped, rows=8, **FIXED), expected)
        again = cg.map_reduce(GRADIENT, parts(8), scheduler=client, **FIXED)
        agree(again, expected)


# ---------------------------------------------------------------------- errors


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


@pytest.mark.parametrize(
    ("data", "fixed", "message"),
    [
        (part(0, 47), FIXED, "47 rows, where the circuit takes 4 at a time"),
        (
            [part(0, 8), part(8, 13)],
            FIXED,
            "chunk 1: 5 rows, where the circuit takes 4",
        ),
        ({**DATA, "Y": DATA["Y"][:8]}, FIXED, "'X' and 'Y' have 48 and 8 rows"),
        ({**DATA, "X": DATA["X"].reshape(-1, 4, 6)}, FIXED, "take 0 and 4 rows at a"),
        (part(0, 0), FIXED, "the data set is empty"),
        ([part(0, 0)], FIXED, "the data set is empty"),
        ([], FIXED, "the data set is empty"),
        (without(DATA, "X"), FIXED, "'X' is neither among the data nor the parameters"),
        (DATA, without(FIXED, "b1"), "'b1' is neither among the data nor the"),
        (DATA, {**FIXED, "Z": 1}, "no input 'Z'; the inputs are W1, b1, W2, b2, X, Y"),
        ({**DATA, "Z": DATA["X"]}, FIXED, "no input 'Z'; the inputs are"),
        ({**DATA, "b1": DATA["X"]}, FIXED, "'b1' is among the data and the parameters"),
        ({}, {**FIXED, **part(0, 4)}, "every input is a parameter"),
        ([DATA["X"]], FIXED, "chunk 0: a chunk is a mapping of arrays by name, not nd"),
        ([without(DATA, "X")], FIXED, "chunk 0: 'X' is neither among the data"),
        ({**DATA, "X": DATA["X"].astype(str)}, FIXED, "chunk 0: 'X' is <U32, not an"),
        (DATA, {**FIXED, "b1": ["a"]}, "'b1' is <U1, not an array of real numbers"),
    ],
)
def test_data_that_will_not_do(data, fixed, message):
    with pytest.raises(cg.CircuitError, match=message):
        cg.map_reduce(GRADIENT, data, fixed, scheduler="synchronous")


@pytest.mark.parametrize(
    ("data", "fixed", "message"),
    [
        (
            {**DATA, "X": DATA["X"][:, 1:]},
            FIXED,
            r"rows for 'X' have shape \(48, 5\); it should be \(N, 6\) for 4 at a "
            r"time, or \(N, 4, 6\)",
        ),
        ({**DATA, "X": 1.0}, FIXED, r"rows for 'X' have shape \(\)"),
        ({**DATA, "X": [[1], [2, 3]]}, FIXED, "'X' is ragged"),
        (DATA, {**FIXED, "b1": np.ones(4)}, r"'b1' has shape \(4,\); the circuit's"),
    ],
)
def test_shapes_that_will_not_do(data, fixed, message):
    with pytest.raises(ShapeError, match=message):
        cg.map_reduce(GRADIENT, data, fixed)


def test_shapes_of_rows_of_vectors_and_scalars_are_said():
    vector = cg.trace(lambda x: cg.functions.sum(x, axis=0), shapes={"x": (4,)})
    with pytest.raises(ShapeError, match=r"\(N,\) for 4 at a time, or \(N, 4\)"):
        cg.map_reduce(vector, {"x": np.ones((2, 3))})
    with pytest.raises(ShapeError, match=r"should be \(N,\) for one at a time"):
        cg.map_reduce(cg.parse_expression("x"), {"x": np.ones((2, 3))})


@pytest.mark.parametrize("rows", [0, 2.0])
def test_rows_of_a_chunk_are_a_number(rows):
    with pytest.raises(cg.CircuitError, match="rows should be 1 or more, not"):
        cg.map_reduce(GRADIENT, DATA, FIXED, rows=rows)


def test_a_dask_array_that_does_not_know_its_rows():
    X = da.from_array(DATA["X"], chunks=8)  # noqa: N806
    with pytest.raises(cg.CircuitError, match="compute_chunk_sizes"):
        cg.map_reduce(GRADIENT, {**DATA, "X": X[X[:, 0] > 0]}, FIXED)


def test_inputs_may_be_called_as_options_are():
    circuit = cg.parse_expression("rows*data")
    found = cg.map_reduce(circuit, {"data": [1, 2, 3]}, {"rows": 2})
    assert found == {"f": 12}


def test_without_dask_the_error_says_how_to_have_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(cg.CircuitError, match=r"pip install 'circuitgrad\[dask\]'"):
        cg.map_reduce(GRADIENT, DATA, FIXED)
