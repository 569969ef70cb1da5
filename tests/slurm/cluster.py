"""A private Slurm on one machine: munged, slurmctld and one slurmd for each virtual node, all on the loopback address.

    with Cluster(folder) as cluster:
        cluster.run("sbatch", "--wrap", "hostname")

Wants root, and Slurm and munge installed. Every node has a host name of its own (a UTS namespace), so that whatever
compares host names sees several nodes. Everything lies in FOLDER; whatever runs below the process that made the cluster
is stopped at the end by its process id.
"""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

CPUS, MEMORY = 4, 3000  # that a node pretends to have; MB
PR_SET_CHILD_SUBREAPER = 36
TIME_LIMITS = 30  # seconds: slurmctld looks at time limits that often, whatever the configuration

CONFIGURATION = """
ClusterName=private
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it may start again (120 s unless said)
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SrunPortRange={first}-{last}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
TmpFS={folder}/tmp/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/slurmd.%n
SlurmctldDebug=verbose
SlurmdDebug=verbose
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_min_interval=0,batch_sched_delay=0,sched_interval=2
MpiDefault=pmix
SwitchType=switch/none
ReturnToService=2
KillWait=10
JobRequeue=1
MinJobAge=3600
SlurmctldTimeout=10
SlurmdTimeout=5
MessageTimeout=5
TCPTimeout=2
BatchStartTimeout=10
SlurmdParameters=config_overrides
NodeName=DEFAULT CPUs={cpus} RealMemory={memory} State=UNKNOWN
{nodes}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=DEFAULT Nodes=ALL MaxTime=60 DefaultTime=10 State=UP
PartitionName=main Default=YES PriorityTier=2
PartitionName=low PriorityTier=1 GraceTime=30
"""


def missing():
    """Why there can be no private Slurm here; "" when there can."""
    if os.geteuid() != 0:
        return "it wants root"
    places = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [p for p in ("munged", "slurmctld", "slurmd", "sbatch", "unshare") if not shutil.which(p, path=places)]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: slurm-wlm, munge)"
    if subprocess.run(["unshare", "--uts", "--mount", "hostname", "n1"], capture_output=True).returncode != 0:
        return "it wants host names of its own (unshare --uts), which are not allowed here"
    return ""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def processes():
    """Parent and command of every process: {id: (parent, command)}."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if fields[0] not in "ZX":
                found[int(entry.name)] = (int(fields[1]), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def descendants(ancestor):
    """{id: command} of every process below ANCESTOR."""
    every, below = processes(), {ancestor}
    while True:
        more = {p for p, (parent, _) in every.items() if parent in below and p not in below}
        if not more:
            return {p: every[p][1] for p in below if p != ancestor}
        below |= more


def reap():
    """Orphans of jobs have become children of this process; their remains are taken away."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Cluster:
    def __init__(self, folder, nodes=("n1", "n2")):
        self.folder, self.nodes = Path(folder), nodes
        self.daemons = {}  # name: Popen
        self.environment = dict(
            os.environ, SLURM_CONF=str(self.folder / "slurm.conf"), TMPDIR=str(self.folder / "tmp"),
            PATH=os.environ["PATH"] + ":/usr/sbin:/sbin",
            # ranks of virtual nodes share a machine, but must not find each other in its memory
            OMPI_MCA_btl="self,tcp", OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo",
            OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1")
        for name in list(self.environment):
            if name.startswith(("SLURM_", "SBATCH_", "PMIX_")) and name != "SLURM_CONF":
                del self.environment[name]

    # ---- the daemons ----

    def configure(self):
        for name in ("state", "spool", "log", "munge", "tmp", *(f"tmp/{n}" for n in self.nodes)):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        ports = free_ports(2 + len(self.nodes))
        first = max(ports) + 1 if max(ports) < 65000 else 20000
        nodes = "\n".join(f"NodeName={n} NodeHostname={n} NodeAddr=127.0.0.1 Port={port}"
                          for n, port in zip(self.nodes, ports[2:]))
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            folder=self.folder, ports=ports, first=first, last=first + 200, cpus=CPUS, memory=MEMORY, nodes=nodes))
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {' '.join(self.nodes)}\n")
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for path in (self.folder / "munge", key):
            shutil.chown(path, "munge", "munge")

    def launch(self, name, *command, **options):
        with open(self.folder / "log" / f"{name}.out", "ab") as log:
            self.daemons[name] = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                                  stderr=log, start_new_session=True, **options)

    def start_node(self, node):
        """In a world of its own as far as host names go: its own, and those that it can resolve."""
        hosts, temporary = self.folder / "hosts", self.folder / "tmp" / node
        shutil.rmtree(temporary, ignore_errors=True)  # a node starts with an empty one
        temporary.mkdir()
        self.launch(node, "unshare", "--uts", "--mount", "sh", "-c",
                    f"hostname {node} && mount --bind {hosts} /etc/hosts && exec slurmd -D -N {node}")

    def __enter__(self):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def start(self):
        self.configure()
        munge = self.folder / "munge"
        self.launch("munged", "munged", "--foreground", "--force", f"--socket={munge}/socket", f"--key-file={munge}/key",
                    f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed",
                    user="munge", group="munge", extra_groups=[])
        self.wait_until(lambda: (munge / "socket").exists(), 10, "munged does not answer")
        self.launch("slurmctld", "slurmctld", "-D")
        self.controller_started = time.time()
        for node in self.nodes:
            self.start_node(node)
        self.wait_until(lambda: self.idle() == len(self.nodes), 30, "the nodes do not become idle")

    def idle(self):
        return self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%T", check=False).stdout.split().count("idle")

    def kill_node(self, node):
        """The node is lost, and all that ran on it."""
        self.signal_node(node, signal.SIGKILL)
        self.daemons.pop(node).wait()

    def processes_on(self, node):
        """{id: command} of all that runs on a node; jobs are no children of slurmd, but share its host name."""
        return {p: command for p, command in descendants(os.getpid()).items() if host_name(p) == node}

    def signal_node(self, node, sign):
        for process in self.processes_on(node):
            kill(process, sign)

    # ---- using it ----

    def run(self, *command, check=True, **options):
        done = subprocess.run(command, env=dict(self.environment, **options.pop("environment", {})), text=True,
                              capture_output=True, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def wait_until(self, condition, seconds, what):
        until = time.time() + seconds
        while not condition():
            if time.time() > until:
                gone = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
                raise AssertionError(f"{what() if callable(what) else what} within {seconds} s; ended daemons: {gone}")
            time.sleep(0.05)

    def job(self, number):
        """What scontrol tells about a job, as a dictionary."""
        text = self.run("scontrol", "show", "job", "--oneliner", str(number)).stdout.splitlines()[-1]
        return dict(field.split("=", 1) for field in text.split() if "=" in field)

    def until_time_limits(self):
        """Seconds until slurmctld looks at time limits next."""
        return TIME_LIMITS - (time.time() - self.controller_started) % TIME_LIMITS

    # ---- the end ----

    def __exit__(self, kind, *_):
        if kind:
            self.show_errors()
        self.stop()

    def show_errors(self):
        for log in sorted(p for p in (self.folder / "log").glob("slurm*") if p.suffix != ".out"):
            errors = [line for line in log.read_text(errors="replace").splitlines() if "error" in line.lower()]
            print(f"{log.name}: {len(errors)} lines with errors, the last:", *errors[-12:], sep="\n    ", flush=True)

    def stop(self):
        if "slurmctld" in self.daemons:
            self.run("scancel", "--user=root", check=False, timeout=20)
            until = time.time() + 5
            while time.time() < until and self.run("squeue", "-h", check=False).stdout.strip():
                time.sleep(0.1)
        for daemon in reversed(list(self.daemons.values())):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(5)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = {}
        until = time.time() + 10
        while (left := descendants(os.getpid())) and time.time() < until:
            for process in left:
                kill(process)
            reap()
            time.sleep(0.05)
        reap()


def host_name(process):
    """Of the node that a process runs on, seen from inside its namespace; "" when it is gone."""
    done = subprocess.run(["nsenter", "--uts", f"--target={process}", "hostname"], capture_output=True, text=True)
    return done.stdout.strip()


def kill(process, sign=signal.SIGKILL):
    try:
        os.kill(process, sign)
    except ProcessLookupError:
        pass
