"""Faults: the old file or the new one, whole, and a status that says which."""

from __future__ import annotations

import errno
import functools
import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import EXAMPLES

import circuitgrad as cg
from circuitgrad import gradients, loops, replacing
from circuitgrad.errors import WriteError
from circuitgrad.formats import files
from circuitgrad.formats.text import write_text

pytest.importorskip("resource", reason="limits of processes are POSIX")

FIG1 = EXAMPLES / "fig1.cg"
OLD = b"what stood there before"
COMMAND = [sys.executable, "-m", "circuitgrad"]

#: Every kind of file that is written: by which command, which files.
WRITTEN = {
    "cg": (["grad", FIG1, "-o", "out.cg"], ["out.cg"]),
    "cgz": (["grad", FIG1, "--no-check", "-o", "out.cgz"], ["out.cgz"]),
    "json": (["opt", FIG1, "-o", "out.json"], ["out.json"]),
    "dot": (["convert", FIG1, "out.dot"], ["out.dot"]),
    "py": (["convert", FIG1, "out.py"], ["out.py"]),
    "c": (["convert", FIG1, "out.c"], ["out.c", "out.h"]),
    "svg": (["draw", FIG1, "-o", "out.svg"], ["out.svg"]),
    "png": (["draw", FIG1, "-o", "out.png"], ["out.png"]),
    "pdf": (["draw", FIG1, "-o", "out.pdf"], ["out.pdf"]),
    "csv": (["eval", "c.cg", "--batch", "in.csv", "-o", "out.csv"], ["out.csv"]),
    "npy": (["eval", "c.cg", "--batch", "in.csv", "-o", "out.npy"], ["out.npy"]),
    "certificate": (
        [
            *("grad", FIG1, "-o", "out.cg"),
            *("--certificate", "proof.json", "--log-rewrites", "log"),
        ],
        ["out.cg", "proof.json", "log"],
    ),
    "check": (
        ["check", FIG1, EXAMPLES / "fig3.cg", "--certificate", "proof.json"],
        ["proof.json"],
    ),
}


@pytest.fixture
def folder(tmp_path):
    """A folder of its own, whose limits and permissions a test may change."""
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture(params=WRITTEN)
def written(request, tmp_path):
    """A command that writes files, and these, as they stood before."""
    words, names = WRITTEN[request.param]
    (tmp_path / "c.cg").write_text("input x\nf = x*x\noutput f\n")
    (tmp_path / "in.csv").write_text("x\n1\n2\n")
    for name in names:
        (tmp_path / name).write_bytes(OLD)
    return words, [tmp_path / name for name in names]


def program(*words, folder, before="", **options):
    """Run the program in a process of its own, that has run some code before."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = COMMAND
    if before:  # no preexec_fn: where threads run, Python 3.12 warns of it
        script = f"import ctypes, os, resource, sys\n{before}\n"
        script += f"os.execv(sys.executable, [*{COMMAND}, *sys.argv[1:]])"
        command = [sys.executable, "-c", script]
    return subprocess.run(
        [*command, *map(str, words)], cwd=folder, text=True, timeout=60, **options
    )


def python(code, folder, *words, **options):
    """Start a process that plants something, then runs the program."""
    script = f"import os, signal, sys, time\n{code}\n"
    script += "from circuitgrad.cli import main\nmain(sys.argv[1:])"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, words)], cwd=folder, **options
    )


def shell(line, folder):
    """Run a line of bash, where ``circuitgrad`` is the program; give all it says."""
    line = line.replace("circuitgrad ", f"{sys.executable} -m circuitgrad ")
    found = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return found.stdout, found.stderr


def is_left(folder):
    """The hidden files that stand beside."""
    return list(Path(folder).glob(".circuitgrad-*"))


# A full disk


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_keeps_every_file(written, run, tmp_path, monkeypatch, call):
    """Whether it is full on writing, on bringing to the disk or on renaming."""
    words, paths = written

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if call == "write":
        monkeypatch.setattr(
            replacing._Replacement,
            "open",
            lambda _: open("/dev/full", "wb"),  # noqa: SIM115
        )
    else:
        monkeypatch.setattr(os, call, full)
    status, _, err = run(*words)
    assert status == 4
    assert "error: cannot write: No space left on device" in err
    assert [path.read_bytes() for path in paths] == [OLD] * len(paths)
    assert not is_left(tmp_path)


def test_a_file_that_grows_past_the_limit_of_files(folder):
    """As a disk that fills up while the file is written."""
    for words, said in (
        (["convert", FIG1, "out.cg"], "out.cg: error: cannot write: File too large\n"),
        (["draw", FIG1, "-o", "out.cg", "-t", "svg"], "File too large\n"),
    ):
        (folder / "out.cg").write_bytes(OLD)
        small = "resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))"
        found = program(*words, folder=folder, before=small)
        assert (found.returncode, found.stderr[-len(said) :]) == (4, said)
        assert "defect" not in found.stderr
        assert (folder / "out.cg").read_bytes() == OLD
        assert not is_left(folder)


@pytest.fixture
def tiny_disk(folder):
    """A file system of 64 kB, where one can be mounted."""
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder]
    try:
        mounted = subprocess.run(words, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full(tiny_disk):
    (tiny_disk / "out.cg").write_bytes(OLD)
    (tiny_disk / "ballast").write_bytes(b"." * 60_000)
    words = ["convert", FIG1, "out.cg"]
    found = program(*words, folder=tiny_disk)
    assert (found.returncode, found.stderr) == (
        4,
        "out.cg: error: cannot write: No space left on device\n",
    )
    assert (tiny_disk / "out.cg").read_bytes() == OLD
    assert sorted(os.listdir(tiny_disk)) == ["ballast", "out.cg"]
    (tiny_disk / "ballast").unlink()
    assert program(*words, folder=tiny_disk).returncode == 0
    assert cg.read(tiny_disk / "out.cg") == cg.read(FIG1)


def test_a_full_disk_of_the_compiler_s_cache(tmp_path, monkeypatch):
    """What numba cannot save is compiled again another time; nothing fails."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Compiled:
        class _cache:  # noqa: N801 (as in numba)
            save_overload = full

    assert loops.saved_if_possible(Compiled)._cache.save_overload(1, 2) is None


# A read-only folder, and other places where no file can be


#: Takes from the superuser the right to pass over permissions.
BOUND_BY_PERMISSIONS = """
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
if os.geteuid() == 0:
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_read_only_folder_and_file(folder):
    (folder / "out.cg").write_bytes(OLD)
    run = functools.partial(program, folder=folder, before=BOUND_BY_PERMISSIONS)
    for mode, of, names in (
        (0o500, folder, ["out.cg", "new.cg"]),
        (0o400, folder / "out.cg", ["out.cg"]),  # somebody protects it
    ):
        os.chmod(of, mode)
        for name in names:
            found = run("convert", FIG1, name)
            assert (found.returncode, found.stderr) == (
                4,
                f"{name}: error: cannot write: Permission denied\n",
            )
        os.chmod(of, 0o700)
        assert os.listdir(folder) == ["out.cg"]
        assert (folder / "out.cg").read_bytes() == OLD


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/out.cg", "No such file or directory"),
        ("file/out.cg", "Not a directory"),
        (".", "Is a directory"),
        ("n" * 300 + ".cg", "File name too long"),
        ("circle", "Too many levels of symbolic links"),
        ("circle/out.cg", "Too many levels of symbolic links"),
    ],
)
def test_places_where_no_file_can_be(run, tmp_path, name, reason):
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "circle").symlink_to("circle")
    for words in (
        ["convert", FIG1, name, "-t", "cg"],
        ["convert", FIG1, name, "-t", "c"],
        ["draw", FIG1, "-o", name, "-t", "svg"],
        ["check", FIG1, EXAMPLES / "fig3.cg", "--certificate", name],
    ):
        status, out, err = run(*words)
        assert (status, out) == (4, "")
        assert f"error: cannot write: {reason}\n" in err
    assert sorted(os.listdir(tmp_path)) == ["circle", "file"]
    assert (tmp_path / "file").read_bytes() == OLD


def test_a_name_that_is_no_text(tmp_path):
    found = program("convert", FIG1, os.fsdecode(b"\xff/out.cg"), folder=tmp_path)
    assert (found.returncode, found.stderr) == (
        4,
        "\\udcff/out.cg: error: cannot write: No such file or directory\n",
    )


def test_a_folder_that_vanishes_while_the_file_is_written(tmp_path):
    (tmp_path / "f").mkdir()
    with (
        pytest.raises(WriteError, match="cannot write: No such file"),
        files.writing(str(tmp_path / "f" / "out.cg")) as file,
    ):
        file.write(b"new")
        for path in is_left(tmp_path / "f"):
            path.unlink()
        (tmp_path / "f").rmdir()


def test_a_working_folder_that_is_gone(tmp_path):
    words, _ = shell(
        f"mkdir f; cd f; rmdir ../f; circuitgrad convert {FIG1} out.cg 2>&1; echo $?",
        tmp_path,
    )
    assert words == "out.cg: error: cannot write: No such file or directory\n4\n"


# Links, devices, and an output that is the input


@pytest.mark.parametrize("ending", ["cg", "cgz", "json"])
@pytest.mark.parametrize("by", ["name", "symbolic link", "hard link"])
def test_an_output_that_is_the_input(run, tmp_path, ending, by):
    """A symbolic link stays one; another hard link keeps what stood there."""
    source, output = tmp_path / f"source.{ending}", tmp_path / f"output.{ending}"
    cg.write(cg.read(EXAMPLES / "fig1_square.cg"), source)
    before = source.read_bytes()
    match by:
        case "name":
            output = source
        case "symbolic link":
            output.symlink_to(source.name)
        case "hard link":
            os.link(source, output)
    assert run("grad", source, "-o", output)[0] == 0
    assert cg.isomorphic(cg.read(output), cg.read(EXAMPLES / "fig3.cg"))
    if by == "hard link":
        assert source.read_bytes() == before
    else:
        assert source.read_bytes() == output.read_bytes()
        assert output.is_symlink() == (by == "symbolic link")


def test_points_that_are_replaced_by_values(run, tmp_path):
    """The file of points is read while its successor is written."""
    (tmp_path / "c.cg").write_text("input x\nf = x*x\noutput f\n")
    (tmp_path / "p.csv").write_text("x\n3\n")
    assert run("eval", tmp_path / "c.cg", "--batch", "p.csv", "-o", "p.npy")[0] == 0
    assert run("eval", tmp_path / "c.cg", "--batch", "p.npy", "-o", "p.npy")[0] == 0
    assert run("eval", tmp_path / "c.cg", "--batch", "p.npy")[1] == "f\n6561.0\n"


def test_a_dangling_link_leads_to_the_new_file(run, tmp_path):
    (tmp_path / "link.cg").symlink_to("there.cg")
    assert run("convert", FIG1, "link.cg")[0] == 0
    assert (tmp_path / "link.cg").is_symlink()
    assert cg.read(tmp_path / "there.cg") == cg.read(FIG1)


def test_pipes_and_devices_are_written_to(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    text = write_text(cg.read(FIG1))
    found, words = shell(
        f"cat fifo & circuitgrad convert {FIG1} fifo -t cg && wait", tmp_path
    )
    assert (found, words) == (text, "")
    line = "circuitgrad convert {} {} -t cg"
    for target in ("/dev/stdout", ">(cat)", "/dev/fd/1"):
        found, words = shell(f"{line.format(FIG1, target)} | cat", tmp_path)
        assert (found, words) == (text, "")
    full, words = shell(f"{line.format(FIG1, '/dev/full')}; echo $?", tmp_path)
    assert full == "4\n"
    assert words == "/dev/full: error: cannot write: No space left on device\n"
    assert sorted(os.listdir(tmp_path)) == ["fifo"]


def test_standard_output_by_its_name_may_be_appended_to(tmp_path):
    (tmp_path / "log").write_text("first\n")
    shell(f"circuitgrad convert {FIG1} /dev/stdout -t cg >> log", tmp_path)
    assert (tmp_path / "log").read_text().startswith("first\ncircuit fig1\n")


# Several files, and several writers


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("failing", ["out.cg", "proof.json", "log"])
@pytest.mark.parametrize("links", [True, False])
def test_all_outputs_or_none(run, tmp_path, monkeypatch, old, failing, links):
    """Wherever the renaming fails, and without hard links, too."""
    words, names = WRITTEN["certificate"]
    if old:
        for name in names:
            (tmp_path / name).write_text(f"{OLD}{name}")
    replace = os.replace

    def fails(source, target):
        if os.path.basename(target) == failing:
            monkeypatch.setattr(os, "replace", replace)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    def no_links(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "replace", fails)
    if not links and old:
        monkeypatch.setattr(os, "link", no_links)
    status, _, err = run(*words)
    assert status == 4
    assert f"{failing}: error: cannot write: Input/output error" in err
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == ({name: f"{OLD}{name}" for name in names} if old else {})
    assert run(*words)[0] == 0
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_outputs_beside_a_standard_output_that_fails(tmp_path):
    """It is written first; so status 4 means that no file is new."""
    line = f"circuitgrad opt {FIG1} --log-rewrites log"
    assert shell(f"{line} 2>&- >/dev/full; echo $? >&2", tmp_path)[1] == "4\n"
    assert not os.listdir(tmp_path)
    assert shell(f"{line} 2>&- | head -n 0; echo $PIPESTATUS", tmp_path)[0] == "0\n"
    assert os.listdir(tmp_path) == ["log"]


def test_an_error_after_writing_takes_files_back(run, tmp_path, monkeypatch):
    """No file is put in place before all is done."""
    from circuitgrad.cli import transform

    def fails(*_):
        raise MemoryError

    (tmp_path / "out.cg").write_bytes(OLD)
    monkeypatch.setattr(transform, "_report_gradient", fails)
    assert run(*WRITTEN["certificate"][0])[0] == 4
    assert os.listdir(tmp_path) == ["out.cg"]
    assert (tmp_path / "out.cg").read_bytes() == OLD


def test_a_file_that_somebody_removes_before_it_is_in_place(tmp_path):
    """Of several files, those that were in place go back."""
    names = [str(tmp_path / name) for name in ("first", "second", "third")]
    for name in names:
        Path(name).write_bytes(OLD)
    gone = pytest.raises(WriteError, match="second: error: cannot write")
    with gone, replacing.together():
        files.write_whole(names[0], b"new")
        one = is_left(tmp_path)
        files.write_whole(names[1], b"new")
        [two] = set(is_left(tmp_path)) - set(one)
        files.write_whole(names[2], b"new")
        two.unlink()
    assert sorted(map(str, tmp_path.iterdir())) == names
    assert [Path(name).read_bytes() for name in names] == [OLD] * 3


def test_two_outputs_to_one_file_are_refused(run, tmp_path):
    (tmp_path / "link").symlink_to("out.cg")
    for words in (
        ["grad", FIG1, "-o", "out.cg", "--certificate", "link"],
        ["grad", FIG1, "--certificate", "-"],
        ["opt", FIG1, "-o", "out.cg", "--log-rewrites", "./out.cg"],
    ):
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert "are one file" in err
    assert os.listdir(tmp_path) == ["link"]
    devices = ["--log-rewrites", "/dev/null", "--certificate", "/dev/null"]
    assert run("grad", FIG1, "-o", "/dev/null", *devices)[0] == 0


def test_two_writers_of_one_file(tmp_path):
    """There is always one file there, whole; a reader never sees part of one."""
    target = str(tmp_path / "out.cg")
    contents = {bytes([letter]) * 50_000 for letter in b"ab"}
    files.write_whole(target, next(iter(contents)))
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(Path(target).read_bytes())

    def write(data):
        for _ in range(40):
            files.write_whole(target, data)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert seen <= contents
    assert os.listdir(tmp_path) == ["out.cg"]


def test_two_processes_that_write_one_file(tmp_path):
    """Many at once, of two circuits."""
    sources = [FIG1, EXAMPLES / "fig3.cg"]
    code = (
        "from circuitgrad.formats import read, write\n"
        "for _ in range(30): write(read(sys.argv[1]), 'out.cg')\nsys.exit()"
    )
    both = [python(code, tmp_path, source) for source in sources]
    assert [process.communicate() for process in both] == [(b"", b"")] * 2
    assert cg.read(tmp_path / "out.cg") in [cg.read(source) for source in sources]
    assert os.listdir(tmp_path) == ["out.cg"]


# A process that is stopped

#: When a signal comes: which function is called, for which time.
MOMENTS = {
    "computing": (gradients, "emit", 1),
    "writing": (os, "fsync", 1),
    "writing the second": (os, "fsync", 2),
    "keeping": (os, "link", 2),
    "renaming": (os, "replace", 1),
    "renaming the second": (os, "replace", 2),
    "removing": (replacing, "_tidy", 1),
}


@pytest.fixture
def usual_signals():
    """Undo what `nohup` passes on: processes started here heed SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="signals come to the main thread",
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_leaves_all_or_nothing(run, tmp_path, monkeypatch, moment, number):
    """What a signal stops tidies up; its status is 128 and the signal's number."""
    words, names = WRITTEN["certificate"]
    for name in names:
        (tmp_path / name).write_bytes(OLD)
    module, called, times = MOMENTS[moment]
    calls, real = itertools.count(1), getattr(module, called)

    def struck(*words, **options):
        if next(calls) == times:
            os.kill(os.getpid(), number)
        return real(*words, **options)

    monkeypatch.setattr(module, called, struck)
    status, out, err = run(*words)
    said = {2: "interrupted", 15: "terminated", 1: "hung up"}[number]
    assert (status, out) == (128 + number, "")
    assert err.endswith(f"\ncircuitgrad: {said}\n")
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    are_old = [(tmp_path / name).read_bytes() == OLD for name in names]
    assert are_old == [moment != "removing"] * 3
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


#: Plants a function that stops for good, and says so.
WAIT = """
def wait(*_):
    print("here", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_terminated_process_leaves_nothing_beside(tmp_path, call):
    (tmp_path / "out.cg").write_bytes(OLD)
    process = python(f"{WAIT}os.{call} = wait", tmp_path, "convert", FIG1, "out.cg")
    assert process.stdout.readline() == b"here\n"
    process.terminate()
    assert process.communicate() == (b"", b"\ncircuitgrad: terminated\n")
    assert process.returncode == 143
    assert (tmp_path / "out.cg").read_bytes() == OLD
    assert os.listdir(tmp_path) == ["out.cg"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_killed_process_leaves_the_old_file(tmp_path, call):
    """It cannot tidy up; what it leaves beside is hidden."""
    (tmp_path / "out.cg").write_bytes(OLD)
    process = python(f"{WAIT}os.{call} = wait", tmp_path, "convert", FIG1, "out.cg")
    assert process.stdout.readline() == b"here\n"
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "out.cg").read_bytes() == OLD
    assert len(is_left(tmp_path)) == 1
    assert program("convert", FIG1, "out.cg", folder=tmp_path).returncode == 0
    assert cg.read(tmp_path / "out.cg") == cg.read(FIG1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_stopped_at_many_moments(tmp_path, number):
    """Each writes one file over and over until it is stopped."""
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    code = (
        "import circuitgrad.cli.transform as t\n"
        "from circuitgrad.formats import files\n"
        "def forever(*_):\n    print('here', flush=True)\n    while True:\n"
        "        for letter in b'ab':\n"
        "            files.write_whole('out', bytes([letter]) * 200_000)\n"
        "t.read_circuit = forever"
    )
    for _ in range(3):
        process = python(code, tmp_path, "grad", "-")
        assert process.stdout.readline() == b"here\n"
        for _ in range(20):  # moments apart by what the disk takes, not by a clock
            if (tmp_path / "out").exists():
                assert (tmp_path / "out").read_bytes() in contents
        process.send_signal(number)
        process.communicate()
        assert process.returncode == (-9 if number == signal.SIGKILL else 143)
        assert (
            not (tmp_path / "out").exists()
            or (tmp_path / "out").read_bytes() in contents
        )
        if number == signal.SIGTERM:
            assert not is_left(tmp_path)


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    """As `nohup` has it."""
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nfsync = os.fsync\n"
    code += "os.fsync = lambda h: (os.kill(os.getpid(), signal.SIGHUP), fsync(h))"
    process = python(code, tmp_path, "convert", FIG1, "out.cg")
    assert process.communicate() == (b"", b"")
    assert process.returncode == 0


# Pipes and streams that are closed or full


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("--help", 0),
        ("--version", 0),
        ("rules", 0),
        ("stats fig1.cg", 0),
        ("eval -e x*x --batch points.csv", 0),
        ("grad fig1.cg --no-check", 0),
        ("convert fig1.cg - -t cgz", 0),
        ("check fig1.cg bad.cg", 1),  # the answer is no, whoever reads it
        ("diff fig1.cg bad.cg", 1),
        ("stats none.cg", 3),
    ],
)
def test_a_closed_pipe(tmp_path, words, status):
    """Who reads no further has what was wanted; the status is as without it."""
    (tmp_path / "fig1.cg").write_text(FIG1.read_text())
    (tmp_path / "points.csv").write_text("x\n1\n")
    (tmp_path / "bad.cg").write_text("input x\ndf_dx = x\noutput df_dx\n")
    own, other = os.pipe()
    os.close(own)
    try:
        found = program(*words.split(), folder=tmp_path, stdout=other)
    finally:
        os.close(other)
    assert found.returncode == status
    assert "Traceback" not in found.stderr
    assert "roken" not in found.stderr


def test_words_that_nobody_reads_stop_nothing(tmp_path):
    """The circuit is written, and the status says so."""
    line = f"circuitgrad grad {FIG1} -o out.cg --no-check --print-between-passes"
    for number, (words, status) in enumerate(
        [
            ("2>/dev/full", 0),
            ("<&- >&- 2>&-", 0),
            ("2>&1 | head -n 0", 0),
            ("--bad 2>/dev/full", 2),
            ("--bad 2>&-", 2),
        ]
    ):
        shell(f"{line} {words}; echo $PIPESTATUS > {number}", tmp_path)
        assert (tmp_path / str(number)).read_text() == f"{status}\n"
        assert (tmp_path / "out.cg").exists() == (status == 0)
        (tmp_path / "out.cg").unlink(missing_ok=True)
    for streams in ("2>/dev/full", "<&- >&- 2>&-"):
        shell(f"circuitgrad draw {FIG1} -o out.svg {streams}", tmp_path)
        assert (tmp_path / "out.svg").read_bytes().startswith(b"<svg ")
        (tmp_path / "out.svg").unlink()


@pytest.mark.parametrize("words", ["--help", "grad -e x*x --no-check"])
@pytest.mark.parametrize(
    ("stream", "reason"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_standard_output_that_is_full_or_closed(tmp_path, words, stream, reason):
    out, err = shell(f"circuitgrad {words} {stream}; echo $? >&2", tmp_path)
    assert (out, err) == ("", f"circuitgrad: error: {reason}\n4\n")


def test_standard_input_that_is_closed_or_cannot_be_read(tmp_path):
    for stream, reason in (
        ("<&-", "standard input is closed"),
        ("0>/dev/null", "not readable: Bad file descriptor"),
    ):
        out, err = shell(f"circuitgrad stats - {stream}; echo $?", tmp_path)
        assert (out, err) == ("3\n", f"<stdin>: error: {reason}\n")


# Out of memory


def test_out_of_memory_is_a_limit(run, tmp_path, monkeypatch):
    """One line and status 4, wherever it happens."""
    from circuitgrad import isomorphism

    def none_left(*_):
        try:
            raise MemoryError
        except MemoryError:
            raise ValueError("something else, because of it") from None

    monkeypatch.setattr(isomorphism, "difference", none_left)
    found = run("diff", FIG1, FIG1)
    assert found == (4, "", "circuitgrad: error: out of memory\n")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_a_process_that_runs_out_of_memory(tmp_path):
    """A circuit that does not fit: nothing is written."""
    lines = "".join(f"y{i + 1} = sin(y{i})*y{i}\n" for i in range(50_000))
    (tmp_path / "long.cg").write_text(f"input y0\n{lines}output y50000\n")
    (tmp_path / "out.cg").write_bytes(OLD)
    code = (
        "import resource, numpy, circuitgrad.formats.text\n"
        "used = int(open('/proc/self/statm').read().split()[0])\n"
        "most = used * resource.getpagesize() + 2**22\n"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most))"
    )
    process = python(
        code, tmp_path, "convert", "long.cg", "out.cg",
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.communicate() == (b"", b"circuitgrad: error: out of memory\n")
    assert process.returncode == 4
    assert (tmp_path / "out.cg").read_bytes() == OLD
    assert sorted(os.listdir(tmp_path)) == ["long.cg", "out.cg"]
