#!/usr/bin/env python3
"""Whole sweeps of one grid: any number of ranks and any interruption give the same bits; h5py reads the file in one line.

Usage: sweep.py PROGRAM [ranks|interruptions|care|faults|signals|requests|bytes|disks|grids [GRID]]
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import h5py
    import numpy
except ImportError:
    print("h5py is not installed: skipped")
    sys.exit(77)

program = sys.argv[1]
root = Path(__file__).resolve().parent.parent
what = sys.argv[2] if len(sys.argv) > 2 else "ranks"
grid = sys.argv[3] if len(sys.argv) > 3 else str(root / "experiments/demo.yaml")
PROBES = ("classifier", "control", "code", "memorisation")  # that train classifiers
TABLES = ("units", *(f"{probe}s" for probe in PROBES))  # what is probed, a row each
HISTORY = ("provenance", "unit_provenance", "checkpoint_provenance", "progress",
           *(f"{probe}_provenance" for probe in PROBES))  # how it came about, not what


def command(ranks, output):
    launch = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks else []
    return launch + [program, "run", "-o", str(output), grid]


def environment():
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                OMPI_MCA_btl_vader_single_copy_mechanism="none")


def run(ranks, output):
    done = subprocess.run(command(ranks, output), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{ranks} ranks: exit code {done.returncode}\n{done.stdout}{done.stderr}"


def datasets(path):
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and name not in HISTORY:
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def compare(expected, path, what):
    got = datasets(path)
    assert expected.keys() == got.keys(), f"{what}: other datasets"
    for name, value in expected.items():
        assert same_bits(numpy.asarray(value), numpy.asarray(got[name])), f"{what}: {name} differs"
    print(f"{what}: {len(expected)} datasets, the same bits")


def finished_units(path):
    try:
        with h5py.File(path, "r") as file:
            return int((file["unit_status"][:] == 2).sum())
    except OSError:  # not there yet
        return 0


def interrupted(output, ranks, units, sign):
    """Sends SIGN to every process of the sweep as soon as UNITS units are done; the exit code."""
    process = subprocess.Popen(command(ranks, output), env=environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and finished_units(output) < units:
        time.sleep(0.02)
    if process.poll() is None:
        signal_all(output, sign)
    code = process.wait(60)
    wait_for_owner(Path(f"{output}.lock"))
    return code


def signal_all(output, sign):
    """mpirun, the ranks and their starters: whoever has the result file on its command line."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(output).encode() in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), sign)
        except (FileNotFoundError, ProcessLookupError):
            pass


def wait_for_owner(lock):
    """mpirun may be gone before its ranks are; the sweep that comes next is refused, rightly, while one of them writes."""
    until = time.time() + 60
    while time.time() < until:
        try:
            fields = lock.read_text().split()
            process = fields[fields.index("process") + 1]
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX":
                return
        except FileNotFoundError:  # released, or its owner is dead
            return
        time.sleep(0.05)


def check_contents(path):
    with h5py.File(path, "r") as file:
        units = file["units"][:]  # the one line of README
        assert (file["unit_status"][:] == 2).all()
        for name in ("model", "finetuned_on", "probed_on", "step", "layer", "train_clusters", "test_state"):
            assert name in units.dtype.names, name
        for unit in units:
            group = file[unit["results"].decode()]
            distances = group["label_distances"][unit["row"], 0]
            assert distances.shape[0] == distances.shape[1] >= unit["train_labels_present"]
            assert unit["train_clusters"] >= unit["train_labels_present"]
            off = ~numpy.isnan(distances)
            assert numpy.array_equal(distances[off], distances.T[off])
            smallest = group["minimum_distances"][unit["row"], 0]
            assert numpy.nanmin(smallest) == unit["train_smallest_distance"]
        last = {}
        for row in file["checkpoints"][:]:
            if row["run"] >= 0:
                assert 0 <= row["test_accuracy"] <= 1
                last[row["run"]] = row
        tasks = {row["name"]: row for row in file["tasks"][:]}
        for row in last.values():
            print(f"  {row['model'].decode()} on {row['finetuned_on'].decode()}: accuracy {row['test_accuracy']:.3f}, "
                  f"majority {tasks[row['finetuned_on']]['majority_accuracy']:.3f}")


def check_memory(path):
    """What fine-tuning took at most is within what plan says, and plan does not say much more; the same of the checkpoints
    that stay."""
    if "sanitize" in program:
        return
    plan = json.loads(subprocess.run([program, "plan", "--anew", "--json", "-o", str(path), grid], check=True,
                                     capture_output=True, text=True).stdout)
    planned = plan["runs"]["memory_bytes"]
    kept = sum(file.stat().st_size for file in path.with_suffix(".checkpoints").rglob("*.safetensors"))
    assert 0.9 * kept <= plan["kept_checkpoints_bytes"] <= 1.05 * kept, (kept, plan["kept_checkpoints_bytes"])
    with h5py.File(path, "r") as file:
        tuned = file["checkpoints"]["run"] >= 0
        measured = float(file["checkpoint_provenance"]["peak_memory"][tuned].max())
    print(f"memory of fine-tuning: planned {planned / 1e6:.0f} MB, measured {measured / 1e6:.0f} MB")
    assert measured <= planned <= 1.5 * measured + 20e6


def check_probes(path):
    """Numbers of the classifiers against the arrays that they come from."""
    with h5py.File(path, "r") as file:
        for probe in PROBES:
            assert len(file[f"{probe}_status"]) and (file[f"{probe}_status"][:] == 2).all(), probe
        derived, originals = file["classifier_derived"][:], {}
        for row in file["classifiers"][:]:
            group, at = file[row["results"].decode()], row["row"]
            truth, predicted = group["test_labels"][at], group["predictions"][at]
            right = predicted == truth
            assert abs(right.mean() - row["accuracy"]) < 1e-12
            assert numpy.allclose(right.mean(axis=1), group["initialisations"][at]["test_accuracy"])
            confusion = group["confusion"][at]
            assert confusion.sum() == predicted.size and confusion.trace() == right.sum()
            candidates = group["candidates"][at]
            best = candidates[numpy.nanargmax(candidates["accuracy"])]
            assert [best[x] for x in ("hidden1", "hidden2", "l2")] == [row[x] for x in ("hidden1", "hidden2", "l2")]
            assert best["accuracy"] == row["selection_accuracy"]
            compared = derived[row["classifier"]]
            if row["run"] < 0:
                originals[row["results"], row["layer"]] = row["classifier"], right
                assert compared["original"] == -1
            else:
                original, before = originals[row["results"], row["layer"]]
                assert compared["original"] == original
                assert abs(compared["difference"] - (right.mean() - before.mean())) < 1e-12
                assert compared["low"] <= compared["difference"] <= compared["high"] and 0 < compared["p_value"] <= 1
        seeds = file["classifier_seeds"][:]
        assert len(seeds) == len({tuple(row) for row in seeds[["model", "finetuned_on", "probed_on", "step", "layer"]].tolist()})
        for row in file["controls"][:]:
            accuracies = file[row["results"].decode()]["control_accuracies"][row["row"]]
            assert abs((accuracies[:, 0] - accuracies[:, 1]).mean() - row["selectivity"]) < 1e-12
        for row in file["codes"][:]:
            portions = file[row["results"].decode()]["portions"][row["row"]]
            assert portions["coded"].sum() == row["instances"]
            assert abs(portions["bits"].sum() - row["codelength"]) <= 1e-6 * row["codelength"]
        for row in file["memorisations"][:]:
            curves = file[row["results"].decode()]["curves"][row["row"]]
            assert numpy.isfinite(curves[:row["epochs"]]).all() and numpy.isnan(curves[row["epochs"]:]).all()
            assert curves[row["epochs"] - 1, 0] == row["subtrain_accuracy"]
    check_export(path)


def check_export(path):
    """The tables of the classifiers have a row for everything."""
    folder = path.with_suffix(".csv")
    subprocess.run([program, "export", "-q", "-o", str(folder), str(path)], check=True)
    rows = {table.stem: len(table.read_text().splitlines()) - 1 for table in folder.glob("*.csv")}
    with h5py.File(path, "r") as file:
        classifiers = file["classifiers"][:]
        groups = [file[name.decode()] for name in classifiers["results"]]
        for table in ("classifiers", "controls", "codes", "memorisations", "classifier_seeds"):
            assert rows[table] == len(file[table]), table
        assert rows["candidates"] == sum(group["candidates"].shape[1] for group in groups)
        assert rows["predictions"] == sum(group["predictions"][0].size for group in groups)
        assert rows["label_scores"] == sum(group["label_scores"].shape[1] for group in groups)
        assert rows["curves"] == rows["curve_losses"] == 3 * file["memorisations"]["epochs"].sum()
        assert rows["portions"] == 11 * len(file["codes"])
        assert rows["classifier_derived"] == (file["classifier_derived"]["original"] >= 0).sum()


def check_ranks(folder):
    """One grid, 1, 2 and 4 ranks, and no mpirun at all."""
    run(2, folder / "two.h5")
    expected = datasets(folder / "two.h5")
    check_contents(folder / "two.h5")
    check_memory(folder / "two.h5")
    check_probes(folder / "two.h5")
    assert not (folder / "two.scratch").exists(), "scratch was not emptied"
    for ranks, name in ((1, "one rank"), (4, "four ranks")):
        run(ranks, folder / f"{ranks}.h5")
        compare(expected, folder / f"{ranks}.h5", name)
    check_merge(expected, folder)


def check_interruptions(folder):
    """Killed, stopped, gone on with, with other numbers of ranks."""
    run(0, folder / "alone.h5")
    expected = datasets(folder / "alone.h5")
    units = len(expected["units"])
    path = folder / "killed.h5"
    code = interrupted(path, 2, 1, signal.SIGKILL)
    killed = finished_units(path)
    assert code != 0 and 1 <= killed < units, (code, killed)
    interrupted(path, 4, killed + 1, signal.SIGTERM)  # may come when the last unit is just done
    kept = finished_units(path)
    assert killed < kept, (killed, kept)
    run(2, path)
    compare(expected, path, f"killed with {killed} of {units} units, stopped with {kept}, gone on with")
    run(2, path)
    compare(expected, path, "run again when all was done")
    check_damage(expected, path)
    assert subprocess.run([program, "run", "-o", str(path), "no-such-grid.yaml"], capture_output=True,
                          env=environment()).returncode == 2


def verified(path):
    """Exit code and text of `fineprobe verify`."""
    done = subprocess.run([program, "verify", str(path)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check_merge(expected, folder):
    """Parts of a grid, computed apart, make the file that one sweep makes."""
    parts = []
    for model in [row["name"].decode() for row in expected["models"]]:
        parts.append(str(folder / f"{model}.h5"))
        done = subprocess.run(command(2, parts[-1]) + ["--models", model], env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    if len(parts) < 2:
        return
    whole = folder / "merged.h5"
    done = subprocess.run([program, "merge", "-o", str(whole)] + parts, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    compare(expected, whole, f"{len(parts)} parts merged")
    run(2, whole)
    compare(expected, whole, "and gone on with, with nothing to do")


def check_damage(expected, path):
    """Bytes that changed on the disk are found, and what they touched is computed again."""
    assert verified(path)[0] == 0, verified(path)
    with h5py.File(path, "r+") as file:
        units = file["units"][:]
        group = file[units[3]["results"].decode()]
        group["cluster_of"][units[3]["row"], 2] += 1
        file["losses"][0] += 1
        file["unit_status"][1] = 9
        file["tasks"][0] = numpy.zeros((), file["tasks"].dtype)
    code, text = verified(path)
    for place in ("unit 3", "unit 1", "checkpoint ", "table tasks"):
        assert code == 1 and place in text, (code, text)
    run(2, path)
    compare(expected, path, "damaged, and gone on with")
    assert verified(path)[0] == 0, verified(path)


def grid_like(folder, name, **changes):
    """The grid in FOLDER, its paths made absolute, with lines changed or added."""
    data = Path(grid).resolve().parent
    text = Path(grid).read_text().replace("../../", f"{data}/../../")
    for line in text.splitlines():
        key = line.split(":")[0]
        if key in changes:
            text = text.replace(line, f"{key}: {changes.pop(key)}")
    path = folder / name
    path.write_text(text + "".join(f"{key}: {value}\n" for key, value in changes.items()))
    return str(path)


def run_with(faults, output, *options, ranks=2):
    done = subprocess.run(command(ranks, output) + list(options), env=dict(environment(), FINEPROBE_FAULTS=faults),
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def failed_units(path):
    with h5py.File(path, "r") as file:
        rows = file["unit_provenance"][:]
        return {int(i): (rows[i]["message"].decode(), int(rows[i]["attempts"]))
                for i in numpy.flatnonzero(file["unit_status"][:] == 3)}


def check_faults(folder):
    """Pieces that crash, hang, take too much memory or write nonsense fail alone, and are made good by a retry."""
    global grid
    sanitized = "sanitize" in program  # limits of memory do not go with AddressSanitizer
    grid = grid_like(folder, "faults.yaml", limits="{memory: 300 MB, silence: 2 s}")
    run(2, folder / "well.h5")
    expected = datasets(folder / "well.h5")
    path = folder / "faults.h5"
    faults = "crash@probe:3,hang@probe:5,write@probe:9,crash@finetune:1x1,write@embed:2x1,crash@probe:8x1"
    crashed = "exit code 1" if sanitized else "Segmentation fault"  # AddressSanitizer takes the signal
    wanted = {3: crashed, 5: "no sign of progress", 9: "does not hold what was written"}
    if not sanitized:
        faults += ",memory@probe:7"
        wanted[7] = "limit 0.30 GB"
    code, text = run_with(faults, path)
    failed = failed_units(path)
    assert code == 1 and failed.keys() == wanted.keys(), (code, failed, text)
    for unit, words in wanted.items():
        assert words in failed[unit][0] and failed[unit][1] == 2, failed
    assert run_with("", path)[0] == 1 and failed_units(path).keys() == wanted.keys(), "failed units stay so unless asked"
    code, text = run_with("crash@probe:3", path, "--retry-failed")
    assert code == 1 and {u: f[1] for u, f in failed_units(path).items()} == {3: 4}, (code, text, failed_units(path))
    code, text = run_with("", path, "--retry-failed")
    assert code == 0, text
    compare(expected, path, "faults, and units tried again")

    path = folder / "disk.h5"
    code, text = run_with("disk@probe:4", path)
    assert code == 1 and "No space left on device" in text and not failed_units(path), (code, text)
    assert '"stopped"' in subprocess.run([program, "status", "--json", str(path)], capture_output=True, text=True).stdout
    run(1, path)
    compare(expected, path, "a disk that was full, and gone on with")


def processes(*words):
    """Process ids whose command line holds all WORDS."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(word in line for word in words):
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def check_signals(folder):
    """A signal to one rank between two checkpoints: the run's state is saved, in time, and nothing is lost. Before it, a
    second sweep on the same file: refused, and the first goes on."""
    global grid
    updates = 800 if "sanitize" in program else 6000
    grid = grid_like(folder, "long.yaml", finetune=f"{{batch: 16, updates: {updates}, learning_rate: 1e-3}}", checkpoints="[last]")
    run(2, folder / "well.h5")
    path = folder / "signals.h5"
    process = subprocess.Popen(command(2, path), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until = time.time() + 60
    while time.time() < until and not list(folder.glob("signals.checkpoints/**/seed-*")):
        time.sleep(0.02)
    time.sleep(0.3)
    second = subprocess.run(command(0, path), env=environment(), capture_output=True, text=True, timeout=60)
    assert second.returncode == 73 and "another sweep writes this file" in second.stderr, second
    ranks = sorted(p for p in processes(program, "run", str(path)) if "mpirun" not in Path(f"/proc/{p}/comm").read_text())
    os.kill(ranks[0], signal.SIGUSR1)
    start = time.time()
    code = process.wait(30)
    assert code == 75 and time.time() - start < 20, (code, time.time() - start, process.stderr.read())
    states = list(folder.glob("signals.checkpoints/**/state.safetensors.losses"))
    assert states, "no run was saved between its checkpoints"
    run(1, path)
    compare(datasets(folder / "well.h5"), path, f"{len(states)} runs stopped between checkpoints, gone on with")


def damage(path, offsets):
    with open(path, "r+b") as file:
        for at in offsets:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ (1 + at % 255)]))


def check_bytes(folder):
    """A file damaged at 200 random bytes, wherever they are, and at the first ones of its structure."""
    run(2, folder / "well.h5")
    expected = datasets(folder / "well.h5")
    size = (folder / "well.h5").stat().st_size
    for trial, count in enumerate((200, 200, 20, 20, 5, 0)):
        path = folder / "damaged.h5"
        shutil.copy(folder / "well.h5", path)
        spots = numpy.random.default_rng(trial).integers(8, size, count)
        damage(path, sorted(set(int(x) for x in spots)) if count else [size // 3] + list(range(8, 300)))
        before = verified(path)
        assert before[0] == 1, before
        done = subprocess.run(command(2, path), env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        compare(expected, path, f"damaged at {count} bytes ({len(before[1].splitlines())} lines of verify; "
                f"{done.stdout.strip().split('(')[-1].split(')')[0]}), and gone on with")
        for beside in folder.glob("damaged*"):
            beside.unlink() if beside.is_file() else shutil.rmtree(beside)


def mounted(folder, size):
    """A small file system in memory; None where this is not allowed."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True).returncode:
        return None
    return folder


def check_disks(folder):
    """Disks that are full or read-only, scratch that vanishes: a clear error, no damage, and the same command goes on."""
    global grid
    original, small = grid, mounted(folder / "small", "4m")
    if not small:
        print("no file system can be mounted here: skipped")
        return
    try:
        grid = grid_like(folder, "disk.yaml", output=f"{{scratch: {small}/scratch, checkpoints: {small}/checkpoints}}")
        run(1, folder / "well.h5")
        expected = datasets(folder / "well.h5")
        shutil.rmtree(small / "checkpoints")
        free = shutil.disk_usage(small).free
        for left in (20_000, 150_000, 400_000):  # full at once, at a checkpoint, at vectors
            (small / "filler").write_bytes(bytes(free - left))
            path = folder / f"full{left}.h5"
            code, text = run_with("", path)
            assert code == 1 and "No space left on device" in text and not failed_units(path), (left, code, text)
            kept = finished_units(path)
            (small / "filler").unlink()
            run(2, path)
            compare(expected, path, f"a disk with {left} bytes left: {kept} units, gone on with")
            shutil.rmtree(small / "checkpoints")
        (small / "filler").write_bytes(bytes(free - 3000))
        code, text = run_with("", small / "sweep.h5")
        assert code == 1 and "No space left on device" in text and not (small / "sweep.h5").exists(), (code, text)
        (small / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
        code, text = run_with("", small / "sweep.h5")
        assert code == 1 and "Read-only file system" in text, (code, text)
        subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
        print("full and read-only folders for the result file are told")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)

    grid = original
    grid = grid_like(folder, "vanish.yaml", output=f"{{scratch: {folder}/scratch}}")
    run(1, folder / "well2.h5")
    expected, path = datasets(folder / "well2.h5"), folder / "vanished.h5"
    process = subprocess.Popen(command(2, path), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while process.poll() is None and finished_units(path) < 2:
        time.sleep(0.01)
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    text = process.communicate()[0]
    assert process.returncode == 1 and "has vanished" in text and not failed_units(path), (process.returncode, text)
    run(2, path)
    compare(expected, path, "scratch that vanished, gone on with")


def digests(data):
    """Of all that is probed, units and classifiers alike."""
    return [digest for table in TABLES for digest in data[table]["digest"]]


def check_grids(folder):
    """A model added, a step and a layer removed, an order changed: what is known stays, the rest is computed."""
    global grid
    models = root / "experiments/demo/models"
    one = f"\n  - {{name: a, folder: {models}/demo-2x32}}"
    other = f"\n  - {{name: b, folder: {models}/demo-3x48}}"
    first = grid_like(folder, "first.yaml", models=one, checkpoints="[0, 3, last]")
    text = Path(first).read_text().replace("\n  - {name: demo-2x32, folder: " + str(Path(grid).resolve().parent), "\n#")
    Path(first).write_text(text)
    second = folder / "second.yaml"
    second.write_text(text.replace(one, other + one).replace("[0, 3, last]", "[0, last]") + "layers: [0, last]\n")
    grid = str(second)
    run(2, folder / "well.h5")
    grid = first
    path = folder / "grown.h5"
    run(2, path)
    before = datasets(path)
    known = set(digests(before))
    grid = str(second)
    plan = subprocess.run([program, "plan", "--json", "-o", str(path), grid], capture_output=True, text=True).stdout
    told = json.loads(plan)
    done = subprocess.run(command(2, path), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    compare(datasets(folder / "well.h5"), path, "a model added, a step and a layer removed")
    kept = sum(digest in known for digest in digests(datasets(path)))
    assert 0 < kept == told["units_kept"] < len(digests(datasets(path))) and f"({kept} kept)" in done.stdout, (kept, told, done.stdout)
    assert told["units_gone"] == len(known) - kept and len(list(folder.glob("grown.h5.*.old"))) == 1
    Path(grid).write_text(second.read_text().replace("learning_rate: 1e-3", "learning_rate: 2e-3"))
    told = json.loads(subprocess.run([program, "plan", "--json", "-o", str(path), grid], capture_output=True, text=True).stdout)
    tuned = sum(int((datasets(path)[table]["run"] >= 0).sum()) for table in TABLES)
    assert told["changes"] == [{"why": "fine-tuning: learning_rate 0.002, was 0.001", "units": tuned}], told["changes"]
    print(f"{kept} of {len(known)} units kept, as plan said; {len(known) - kept} stay in the old file")


SHARED = """
name: care
models:
  - {{name: one, folder: {models}/demo-2x32}}
  - {{name: other, folder: {models}/demo-2x32, finetune: {{epochs: 1}}}}
tasks:
  - {{name: TREC, reader: trec, train: questions.txt, test: {data}/questions.test.txt}}
finetune: {{batch: 16, epochs: 2}}
layers: [last]
output: {{scratch: mine, checkpoints: mine, keep: none}}
"""


def check_care(folder):
    """What is the user's stays; one model under two names; data that change during a sweep; finished units that leave."""
    global grid
    data = root / "experiments/demo"
    (folder / "mine").mkdir()
    (folder / "mine/thesis.tex").write_text("years of work")
    questions = (data / "questions.train.txt").read_text(encoding="latin-1")
    (folder / "questions.txt").write_text(questions, encoding="latin-1")
    grid = str(folder / "grid.yaml")
    Path(grid).write_text(SHARED.format(models=data / "models", data=data))
    run(2, folder / "care.h5")
    assert [p.name for p in (folder / "mine").iterdir()] == ["thesis.tex"], list((folder / "mine").iterdir())
    print("a folder of the user's own, named as scratch, keeps what is his; one model under two names works")

    Path(grid).write_text(SHARED.format(models=data / "models", data=data).replace("epochs: 2", "epochs: 3"))
    run(2, folder / "care.h5")
    assert len(list(folder.glob("care.h5.*.old"))) == 1, "units that the grid no longer has must stay somewhere"
    print("a changed grid leaves the old file behind")

    made = (root / "experiments/demo-models.yaml").read_text().replace("demo/", f"{data}/")
    (folder / "cut.yaml").write_text(made.replace("positions: 64", "positions: 8").replace("epochs: 20", "updates: 2"))
    told = subprocess.run([program, "run", "-q", "-o", str(folder / "cut.h5"), str(folder / "cut.yaml")],
                          env=environment(), capture_output=True, text=True)
    assert told.returncode == 0 and "were cut" in told.stderr, told.stderr
    print("sentences beyond the position limit are reported")

    process = subprocess.Popen(command(0, folder / "changed.h5"), env=environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    while process.poll() is None and not (folder / "changed.h5").exists():
        time.sleep(0.005)
    (folder / "questions.txt").write_text(questions.replace("What", "Which"), encoding="latin-1")
    text = process.communicate()[0]
    assert process.returncode == 1 and "is not what it was when the sweep was planned" in text, text
    print("data that change during a sweep are noticed")


ODD = """
name: odd
models: [{{name: M, config: {{layers: 1, hidden: 16, heads: 2}}, vocab: {data}/vocab.txt}}]
tasks:
  - {{name: alone, reader: tsv-words, train: alone.tsv, test: alone.tsv}}
  - {{name: absent, reader: tsv-words, train: train.tsv, test: test.tsv}}
  - {{name: questions, reader: tsv-sentences, train: questions.tsv, test: questions.tsv}}
finetune: {{batch: 2, updates: 3}}
layers: last
probes:
  classifier: {{hidden: [[4], []], l2: [1e-5], folds: 2, initialisations: 2, epochs: 30}}
  control: {{hidden: [4], initialisations: 2, epochs: 30}}
  mdl: {{hidden: [4], epochs: 30}}
  memorisation: {{hidden: [4], initialisations: 2, epochs: 20}}
seeds: [1, 2]
"""


def check_requests(folder):
    """Requests that classifiers can hardly meet: one label, a label that training has not, more folds than a label has instances."""
    global grid
    words = [("the", "DET"), ("ship", "NOUN"), ("sails", "VERB"), ("a", "DET"), ("sea", "NOUN"), ("calls", "VERB")]
    (folder / "alone.tsv").write_text("\n".join(f"{word}\tX" for word, _ in words) + "\n")
    (folder / "train.tsv").write_text("\n".join(f"{word}\t{label}" for word, label in 3 * words) + "\nrare\tONCE\n")
    (folder / "test.tsv").write_text("\n".join(f"{word}\t{label}" for word, label in words) + "\noh\tINTJ\n")
    (folder / "questions.tsv").write_text("A\tthe ship\nB\ta sea\nA\tthe sea\nB\ta ship\n")
    grid = str(folder / "odd.yaml")
    Path(grid).write_text(ODD.format(data=root / "experiments/demo"))
    path = folder / "odd.h5"
    run(2, path)
    check_probes(path)
    with h5py.File(path, "r") as file:
        rows = {name: file[name][:] for name in ("classifiers", "controls", "codes", "memorisations", "classifier_seeds")}
        labels = [row["label"] for row in file["labels"][:] if row["task"] == b"absent"]
        for row in rows["classifiers"]:
            if row["probed_on"] == b"alone":
                assert row["state"] == b"one label" and row["accuracy"] == 1 and row["caution"] == b"few of both", row
            if row["probed_on"] == b"absent":
                group = file[row["results"].decode()]
                intj = labels.index(b"INTJ")
                assert row["state"] == b"classified" and row["labels_trained"] == 4 and row["caution"] == b"few instances"
                assert not (group["predictions"][row["row"]] == intj).any(), "a label that training has not is never predicted"
                score = group["label_scores"][row["row"], intj]
                assert numpy.isnan(score["precision"]) and score["recall"] == 0 and score["f1"] == 0
        assert (rows["classifier_seeds"]["caution"] == b"few seeds").all() and (rows["classifier_seeds"]["seeds"] == 2).all()
        assert set(rows["controls"]["probed_on"]) == {b"alone", b"absent"}, "sentences have no control task"
        alone = rows["codes"][rows["codes"]["probed_on"] == b"alone"]
        assert (alone["codelength"] == 0).all() and numpy.isnan(alone["compression"]).all()
    print("one label, a label absent from training, labels with fewer instances than folds: defined results")
    Path(grid).write_text(ODD.format(data=root / "experiments/demo").replace("folds: 2", "folds: 9"))
    told = subprocess.run([program, "run", "-q", "-o", str(path), grid], env=environment(), capture_output=True, text=True)
    assert told.returncode == 2 and "a classifier is chosen on 9 folds, so it needs at least 9" in told.stderr, told.stderr
    print("more folds than instances are refused with a message")


def main():
    folder = Path(tempfile.mkdtemp(prefix="fineprobe-test-"))
    os.environ["OMPI_MCA_btl_vader_backing_directory"] = str(folder)  # killed jobs leave their shared memory there
    try:
        {"ranks": check_ranks, "interruptions": check_interruptions, "care": check_care,
         "faults": check_faults, "signals": check_signals, "requests": check_requests,
         "bytes": check_bytes, "disks": check_disks, "grids": check_grids}[what](folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
