#!/usr/bin/env python3
"""Sweeps under a private Slurm of two virtual nodes: submitted, stopped by a time limit, cancelled, hit by the loss of a
node, split into an array; each must end with the numbers of an undisturbed sweep.

Usage: run.py PROGRAM [SCENARIO]...

Wants root, and Slurm, munge and h5py installed; says so and exits with 77 where they are missing. Everything that it
starts is stopped, and everything that it writes removed, however it ends.
"""
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(root / "tests"), str(root / "tests/slurm")]
import cluster as private  # noqa: E402
import sweep  # noqa: E402  exits with 77 without h5py
from sweep import h5py  # noqa: E402

program = os.path.realpath(sys.argv[1])
submit = str(root / "slurm/submit.sh")
demo = str(root / "experiments/demo.yaml")
RAN = "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED"


class Bench:
    """The cluster, a folder of the user's with a space in its name, and the undisturbed result."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.site("")
        self.expected, self.units = None, 0  # of the undisturbed sweep

    def site(self, text):
        path = self.folder / "site file.sh"
        path.write_text(f"fineprobe={program}\n{text}")
        self.cluster.environment["FINEPROBE_SITE"] = str(path)

    def submit(self, file, *options, grid=demo, check=True):
        """The number of the job, and what submit.sh said."""
        done = self.cluster.run(submit, grid, "-o", str(file), *options, cwd=self.folder, check=check)
        found = re.search(r"^stop +scancel (.*) \(", done.stdout, re.MULTILINE)
        return (found and [int(n) for n in found[1].split()]), done

    def status(self, file):
        done = self.cluster.run(program, "status", "--json", str(file), check=False)
        return json.loads(done.stdout) if done.stdout else None

    def units_done(self, file):
        status = self.status(file)
        return status["units"]["done"] if status else 0

    def wait_for_units(self, file, count=1, seconds=60):
        self.cluster.wait_until(lambda: self.units_done(file) >= count, seconds, f"{count} units of {file.name} not done")

    def state(self, job):
        return self.cluster.job(job)["JobState"]

    def wait_for_end(self, job, state="COMPLETED", seconds=180):
        self.cluster.wait_until(lambda: self.state(job) not in RAN, seconds,
                                lambda: f"job {job} has not ended: {self.cluster.job(job)}\n{self.log(job)}\nended")
        assert self.state(job) == state, f"job {job} is {self.state(job)}, not {state}:\n{self.log(job)}"
        return self.cluster.job(job)

    def log(self, job):
        path = Path(self.cluster.job(job).get("StdOut", ""))
        logs = [p for p in self.folder.rglob("*.log") if re.search(rf"\b{job}\.log$", p.name)] or [path]
        return "\n".join(p.read_text() for p in logs if p.is_file())

    def big(self):
        """A grid of a small and of a big model, for planning only."""
        data = root / "experiments/demo"
        path = self.folder / "big.yaml"
        path.write_text(f"""
models:
  - {{name: small, config: {{layers: 2, hidden: 64, heads: 2}}, vocab: {data}/vocab.txt}}
  - {{name: big, config: {{layers: 12, hidden: 768, heads: 12}}, vocab: {data}/vocab.txt}}
tasks: [{{name: TREC, reader: trec, train: {data}/questions.train.txt, test: {data}/questions.test.txt}}]
""")
        return path

    def broken(self):
        """A grid whose model has a weight that is no number."""
        data = root / "experiments/demo"
        model = self.folder / "broken"
        shutil.copytree(data / "models/demo-2x32", model)
        weights = bytearray((model / "model.safetensors").read_bytes())
        header = 8 + int.from_bytes(weights[:8], "little")
        weights[header:] = b"\0\0\xc0\x7f" * ((len(weights) - header) // 4)
        (model / "model.safetensors").write_bytes(weights)
        path = self.folder / "broken.yaml"
        path.write_text(f"""
models: [{{name: broken, folder: broken}}]
tasks: [{{name: TREC, reader: trec, train: {data}/questions.train.txt, test: {data}/questions.test.txt}}]
layers: last
""")
        return path

    def check(self, file, what):
        """Every unit done, none failed, and the undisturbed numbers."""
        status = self.status(file)
        assert status["units"]["done"] == status["units"]["total"] > 0, (what, status["units"])
        assert status["units"]["failed"] == status["checkpoints"]["failed"] == 0, (what, status)
        sweep.compare(self.expected, file, what)


def history(file):
    """Provenance of all that is probed and of checkpoints, as one list of rows, those with a known end only."""
    with h5py.File(file, "r") as f:
        rows = [row for name in f if name.endswith("_provenance") for row in f[name][:]]
    return [r for r in rows if r["finished"] > 0]


def tell_loss(b, job, file, stopped):
    """What a requeue cost: the work of the first session that was thrown away, and the time from STOPPED, when the signal came
    or the node went, to the first piece of work of the next start. What a rank had in hand is not known to the file when it is
    lost; the time since the last result of each rank is an upper bound."""
    sessions = sorted({r["incarnation"] for r in history(file)})
    if len(sessions) < 2:
        print("  only one session has finished anything: what the requeue cost cannot be told")
        return
    before = [r for r in history(file) if r["incarnation"] == sessions[0] and r["finished"] <= stopped + 20]
    first = min(r["started"] for r in history(file) if r["incarnation"] == sessions[1])
    ranks = {r["rank"] for r in before}
    flight = sum(max(stopped - max(r["finished"] for r in before if r["rank"] == rank), 0) for rank in ranks)
    start = time.mktime(time.strptime(b.cluster.job(job)["StartTime"], "%Y-%m-%dT%H:%M:%S"))
    print(f"  lost: at most {flight:.1f} core-seconds of work in flight on {len(ranks)} ranks; {first - stopped:.1f} s until the first "
          f"piece of the next start, of which {start - stopped:.0f} s until Slurm started it and {first - start:.0f} s to start up")


# ---- the scenarios, each a function check_NAME ----

def check_demo(b):
    """The demo through submit.sh, on two nodes; the others are compared with it."""
    file = b.folder / "demo.h5"
    submitted = time.time()
    (job,), _ = b.submit(file, "--nodes=2")
    b.wait_for_end(job)
    b.units = b.status(file)["units"]["total"]
    assert b.units > 160 and f"everything is done: {b.units} units" in b.log(job), b.log(job)
    rows = history(file)
    first = min(r["finished"] for r in rows)
    with h5py.File(file, "r") as f:
        units = f["unit_provenance"][:]
    print(f"  from sbatch to the first finished unit {min(units['finished']) - submitted:.1f} s "
          f"(first piece started after {min(r['started'] for r in rows) - submitted:.1f} s, ended after {first - submitted:.1f} s)")
    assert {u["host"].decode() for u in units} == {"n1", "n2"}, "not every node has worked"
    assert {u["job"].decode() for u in units} == {str(job)}
    assert len({u["rank"] for u in units}) == 8
    b.expected = sweep.datasets(file)
    assert not list(b.folder.glob("*.requeues")) + list(b.folder.glob("*.lock"))


def check_limit(b):
    """A time limit: saved, requeued by itself, done."""
    for lead in (6, 5, 4, 3):  # the demo is at work from the third second to the eighth or later
        file = b.folder / f"limit {lead}.h5"
        wait = b.cluster.until_time_limits() - lead
        time.sleep(wait if wait > 0 else wait + private.TIME_LIMITS)
        (job,), done = b.submit(file, "--nodes=2", "--time=1")
        b.cluster.wait_until(lambda: "time limit is near" in b.log(job) or b.state(job) not in RAN, 90, "no time limit")
        stopped = time.time()
        b.wait_for_end(job, seconds=180)
        b.check(file, "time limit")
        if b.cluster.job(job)["Restarts"] != "0":
            assert b.log(job).count("everything is done") == 1
            tell_loss(b, job, file, stopped)
            return
        print("  it was done before Slurm looked at time limits; again")
    raise AssertionError("no sweep was caught by its time limit")


def check_cancel(b):
    """Cancelled and submitted again; a second job on the same file meanwhile is refused, twice."""
    file = b.folder / "cancel.h5"
    (job,), _ = b.submit(file, "--ranks=2")
    b.wait_for_units(file)
    none, refused = b.submit(file, check=False)
    assert none is None and refused.returncode == 2 and f"{job} (RUNNING)" in refused.stderr, refused
    by_hand = b.cluster.run("sbatch", "--parsable", "--ntasks=1", "--mem-per-cpu=300M", "--output=hand-%j.log",
                            str(root / "slurm/sweep.sbatch"), demo, str(file), cwd=b.folder).stdout.strip()
    ended = b.wait_for_end(by_hand, "FAILED")
    assert ended["ExitCode"] == "73:0" and ended["Restarts"] == "0", ended
    assert "another sweep writes this file" in b.log(by_hand), b.log(by_hand)
    assert b.state(job) == "RUNNING"
    b.cluster.run("scancel", str(job))
    stopped = time.time()
    b.wait_for_end(job, "CANCELLED")
    print(f"  over {time.time() - stopped:.1f} s after scancel, {b.units_done(file)} of {b.units} units done")
    assert "Slurm has ended this start" in b.log(job) and b.cluster.job(job)["Restarts"] == "0", b.log(job)
    assert 0 < b.units_done(file) < b.units and b.status(file)["units"]["failed"] == 0, b.status(file)
    script = b.cluster.run(submit, "--dry-run", demo, "-o", str(file), "--ranks=2", cwd=b.folder).stdout
    job = b.cluster.run("sbatch", "--parsable", input=script, cwd=b.folder).stdout.strip()
    b.wait_for_end(job)
    b.check(file, "cancelled, and the script of a dry run submitted")
    tell_loss(b, job, file, stopped)


def check_node(b):
    """A node is lost, with all that ran on it."""
    file = b.folder / "node.h5"
    (job,), _ = b.submit(file, "--nodes=2")
    b.wait_for_units(file)
    b.cluster.kill_node("n2")
    lost = time.time()
    b.cluster.wait_until(lambda: b.cluster.job(job)["Restarts"] == "1", 60, "Slurm has not noticed the loss of the node")
    print(f"  requeued {time.time() - lost:.1f} s after the loss")
    b.cluster.start_node("n2")
    b.wait_for_end(job)
    b.check(file, "a node lost")
    tell_loss(b, job, file, lost)


def check_ghosts(b):
    """A node hangs, is given up, and comes back with all that ran on it when the job has long begun elsewhere."""
    file = b.folder / "ghosts.h5"
    (job,), _ = b.submit(file, "--ranks=2")
    b.wait_for_units(file)
    node = b.cluster.job(job)["NodeList"]
    ghosts = b.cluster.processes_on(node)
    b.cluster.signal_node(node, signal.SIGSTOP)
    b.cluster.wait_until(lambda: b.cluster.job(job)["Restarts"] == "1", 60, "Slurm has not noticed the loss of the node")
    before = b.units_done(file)
    b.wait_for_units(file, before + 1)
    b.cluster.signal_node(node, signal.SIGCONT)
    print(f"  {len(ghosts)} processes of {node} came back; {before} units were done when it was given up, {b.units_done(file)} by now")
    b.wait_for_end(job)
    assert b.cluster.job(job)["NodeList"] != node
    left = [p for p, command in ghosts.items() if "fineprobe" in command]
    b.cluster.wait_until(lambda: not set(left) & set(b.cluster.processes_on(node)), 40, "the old ranks are still there")
    b.check(file, "a node came back")


def check_killed(b):
    """Killed without warning; the next job, on another node, takes its lock over."""
    file = b.folder / "killed.h5"
    (job,), _ = b.submit(file, "--ranks=2", "--", "--nodelist=n1")
    b.wait_for_units(file)
    for process, command in b.cluster.processes_on("n1").items():
        if re.search(r"slurm_script|srun|fineprobe (run|piece)", command):
            private.kill(process)
    b.wait_for_end(job, "FAILED")
    assert Path(f"{file}.lock").exists()
    with h5py.File(file, "r+") as f:  # its last sign of life is long ago
        progress = f["progress"][:]
        progress["heartbeat"] -= 100
        f["progress"][:] = progress
    (job,), _ = b.submit(file, "--ranks=2", "--", "--nodelist=n2")
    b.wait_for_end(job)
    assert "taking it over" in b.log(job), b.log(job)
    b.check(file, "killed, and its lock taken over")


def check_preemption(b):
    """Preempted by a job of a partition that goes before, which takes both nodes."""
    file = b.folder / "preempted.h5"
    (job,), _ = b.submit(file, "--nodes=2", "--partition=low")
    b.wait_for_units(file)
    stopped = time.time()
    other = b.cluster.run("sbatch", "--parsable", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=sleep 1").stdout.strip()
    b.wait_for_end(other)
    b.wait_for_end(job)
    assert b.cluster.job(job)["Restarts"] == "1", b.log(job)
    b.check(file, "preempted")
    tell_loss(b, job, file, stopped)


def check_array(b):
    """An element for each model, and a job that joins their files."""
    file = b.folder / "array.h5"
    jobs, done = b.submit(file, "--array", "--ranks=2", "--rank-logs")
    assert len(jobs) == 2, done.stdout
    b.wait_for_end(jobs[-1])
    b.check(file, "array, joined")
    logs = {p.name: p.read_text() for p in (b.folder / "array.ranks").iterdir()}
    assert len(logs) == 2 and all("starts probing" in log and "done after" in log for log in logs.values()), logs
    dry = b.cluster.run(submit, "--dry-run", "--array", str(b.big()), "-o", "big.h5", cwd=b.folder)
    memory = [int(m) for m in re.findall(r'"--mem-per-cpu=(\d+)M"', dry.stdout)]
    assert len(memory) == 2 and memory[1] > 4 * memory[0], dry.stdout
    print(f"  memory of the elements of two models: {memory[0]} and {memory[1]} MB")


def check_mpirun(b):
    """The same with mpirun in the place of srun, on two nodes."""
    b.site("launch=mpirun\n")
    file = b.folder / "mpirun.h5"
    (job,), _ = b.submit(file, "--nodes=2")
    b.wait_for_units(file)
    b.cluster.run("scancel", "--batch", "--signal=USR1", str(job))  # what Slurm does before a time limit
    stopped = time.time()
    b.wait_for_end(job)
    b.site("")
    assert b.cluster.job(job)["Restarts"] == "1"
    b.check(file, "mpirun, signalled and requeued")
    tell_loss(b, job, file, stopped)


def check_failures(b):
    """Failed units and sweeps that get nowhere show in the state of the job."""
    (job,), _ = b.submit(b.folder / "broken.h5", grid=str(b.broken()))
    ended = b.wait_for_end(job, "FAILED")
    assert ended["ExitCode"] == "1:0" and "failed; 'fineprobe status" in b.log(job), b.log(job)
    b.site("launch_options=(--no-such-option)\nstalls_allowed=1\n")
    (job,), _ = b.submit(b.folder / "nowhere.h5", "--ranks=1")
    ended = b.wait_for_end(job, "FAILED")
    b.site("")
    assert ended["ExitCode"] == "75:0" and ended["Restarts"] == "1" and "giving up" in b.log(job), b.log(job)


def main():
    why_not = private.missing()
    if why_not:
        print(f"Slurm tests skipped: {why_not}")
        sys.exit(77)
    scenarios = {name[6:]: f for name, f in globals().items() if name.startswith("check_")}
    wanted = sys.argv[2:] or list(scenarios)
    if "demo" not in wanted:
        wanted.insert(0, "demo")
    folder = Path(tempfile.mkdtemp(prefix="fineprobe-slurm-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    try:
        folder.chmod(0o755)  # munged is another user
        (folder / "my results").mkdir()
        with private.Cluster(folder / "slurm") as cluster:
            bench = Bench(cluster, folder / "my results")
            for name in wanted:
                started = time.time()
                print(f"{name}: {scenarios[name].__doc__}", flush=True)
                scenarios[name](bench)
                print(f"{name}: {time.time() - started:.0f} s", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
