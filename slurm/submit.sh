#!/usr/bin/env bash
# Submits a sweep to Slurm with what `fineprobe plan` says it takes.
set -euo pipefail

usage() {
    cat <<'END'
Usage: slurm/submit.sh [OPTION]... GRID.yaml [-- SBATCH-OPTION...]

Submits the sweep of GRID.yaml to Slurm. 'fineprobe plan' tells how many ranks are of use, the
memory of a rank and the expected time. The job saves itself before its time limit, queues
itself again, and goes on until the result file says that everything is done; submitting the
same again goes on as well, also after the grid has changed.

Options:
  -o, --output=FILE     the result file (default: the grid's)
      --nodes=N         nodes (default: 1)
      --ranks=N         ranks (default: as many as are of use, up to one a core of the nodes)
      --time=T          time limit, as sbatch takes it (default: the expected time and half as
                        much again, up to the partition's limit)
      --partition=P     partition (default: the cluster's)
      --array           each model by an element of a job array, with a result file of its own
                        and the memory that it needs, and a job behind them that joins the
                        files. --nodes and --ranks are of one element.
      --retry-failed    try units again that failed before
      --rank-logs       a log for each rank as well, in FILE without .h5, with .ranks: every
                        piece of work, with its time and memory
      --dry-run         print the script, submit nothing
      --help            this text

What stands behind -- goes to sbatch, e.g. -- --account=me --mail-type=END,FAIL. What is special
about your cluster (modules, srun or mpirun) stands in slurm/site.sh; copy slurm/site.sh.example.

Example:
  slurm/submit.sh experiments/demo.yaml --time 30:00
END
}

die() {
    echo "submit.sh: $*" >&2
    exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# ---- options ----

grid='' output='' nodes=1 ranks='' limit='' partition='' array='' rank_logs='' dry='' sbatch_options=() run_options=()
while (($#)); do
    [[ $1 != --*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
    case $1 in
    -o | --output | --nodes | --ranks | --time | --partition)
        (($# > 1)) || die "$1 wants a value"
        ;;&
    -o | --output) output=$2 && shift 2 ;;
    --nodes) nodes=$2 && shift 2 ;;
    --ranks) ranks=$2 && shift 2 ;;
    --time) limit=$2 && shift 2 ;;
    --partition) partition=$2 && shift 2 ;;
    --array) array=1 && shift ;;
    --rank-logs) rank_logs=1 && shift ;;
    --retry-failed) run_options+=("$1") && shift ;;
    --dry-run) dry=1 && shift ;;
    --help) usage && exit 0 ;;
    --)
        shift
        sbatch_options=("$@")
        break
        ;;
    -*) die "no option $1; see slurm/submit.sh --help" ;;
    *)
        [[ -z $grid ]] || die "one grid, please: \"$grid\" or \"$1\"?"
        grid=$1
        shift
        ;;
    esac
done
[[ -n $grid ]] || die "which grid? See slurm/submit.sh --help"
for number in "$nodes" "${ranks:-1}"; do
    [[ $number =~ ^[1-9][0-9]{0,8}$ ]] || die "\"$number\" is no number of nodes or ranks"
done

# ---- the site ----

fineprobe=fineprobe
submit_options=()
export FINEPROBE_SITE=${FINEPROBE_SITE:-$here/site.sh}
if [[ -e $FINEPROBE_SITE ]]; then
    set +u # module and its like read variables that are not set
    # shellcheck source=/dev/null
    source "$FINEPROBE_SITE"
    set -u
fi
if ! command -v "$fineprobe" >/dev/null && [[ -x $here/../build/fineprobe ]]; then
    fineprobe=$(cd "$here/../build" && pwd)/fineprobe
fi
command -v "$fineprobe" >/dev/null || die "no program $fineprobe: build it, or name it in $FINEPROBE_SITE"
fineprobe=$(command -v "$fineprobe")

# ---- what plan says ----

# ask PLAN-OPTION...: the answer goes to $plan
ask() {
    plan=$("$fineprobe" plan --json "$@" "$grid") || exit $?
}
number() { # KEY: a number of the plan, rounded up
    sed -n "s/^  \"$1\": \([0-9.e+]*\),*\$/\1/p" <<<"$plan" | awk '{printf "%.0f\n", $1 + 0.4999}'
}
text() { # KEY
    sed -n "s/^  \"$1\": \"\(.*\)\",*\$/\1/p" <<<"$plan" | sed 's/\\\(["\\\/]\)/\1/g'
}
expected() { # seconds with $1 ranks of $plan
    ask "${@:2}" --ranks "$1"
    sed -n '/^  "times": \[/,/^  \]/s/^ *"seconds": \([0-9.e+-]*\),*$/\1/p' <<<"$plan" | awk '{printf "%.0f\n", $1 + 0.4999}'
}
absent() { # files of the grid that are not there yet
    sed -n '/^  "to_fetch": \[$/,/^  \]/s/^    "\(.*\)",*$/\1/p' <<<"$plan"
}
model_names() {
    sed -n '/^  "models": \[/,/^  \]/s/^ *"name": "\(.*\)",*$/\1/p' <<<"$plan"
}

# ---- what the cluster has ----

seconds_of() { # 2-03:04:05, 03:04:05, 04:05, 04 (minutes), infinite
    local days=0 text=$1 fields
    [[ $text =~ ^([0-9]+-)?[0-9]+(:[0-9]+){0,2}$ ]] || return 1
    if [[ $text == *-* ]]; then
        days=$((10#${text%%-*}))
        IFS=: read -ra fields <<<"${text#*-}"
        fields+=(0 0)
    else
        IFS=: read -ra fields <<<"$text"
        case ${#fields[@]} in
        1) fields=(0 "${fields[0]}" 0) ;;
        2) fields=(0 "${fields[@]}") ;;
        esac
    fi
    echo $((days * 86400 + 10#${fields[0]} * 3600 + 10#${fields[1]} * 60 + 10#${fields[2]}))
}
duration() { # SECONDS as D-HH:MM:SS
    printf '%d-%02d:%02d:%02d' $(($1 / 86400)) $(($1 / 3600 % 24)) $(($1 / 60 % 60)) $(($1 % 60))
}
in_words() { # SECONDS
    if (($1 < 120)); then
        echo "$1 s"
    elif (($1 < 7200)); then
        echo "$((($1 + 30) / 60)) min"
    else
        echo "$((($1 + 1800) / 3600)) h"
    fi
}

# The smallest node of the partition: cores, MB; and the partition's time limit. 0 and "infinite": not known.
look_at_partition() {
    local line
    cores=0 node_memory=0 longest=infinite
    while IFS='|' read -r -a line; do
        if [[ -n $partition ]]; then
            [[ ${line[0]%\*} == "$partition" ]] || continue
        else
            [[ ${line[0]} == *\* ]] || continue # the star marks the default
        fi
        ((cores > 0 && cores <= line[1])) || cores=${line[1]}
        ((node_memory > 0 && node_memory <= line[2])) || node_memory=${line[2]}
        longest=${line[3]}
    done < <(sinfo -h -N -o '%P|%c|%m|%l')
    if ((cores == 0)); then
        local what='default partition'
        [[ -z $partition ]] || what="partition \"$partition\""
        die "the cluster has no $what; choose one with --partition: $(sinfo -h -o %R | paste -sd ' ')"
    fi
}

# ---- the resources of one job, or one element of an array ----

# resources [PLAN-OPTION...]: sets job_ranks, job_threads, job_memory (MB a rank), job_expected, job_limit (seconds)
resources() {
    ask "$@"
    job_threads=$(number threads)
    job_memory=$((($(number rank_memory_bytes) + 1048575) / 1048576))
    local useful a_node=$((cores / job_threads)) room
    useful=$(number useful_ranks)
    room=$((node_memory / job_memory))
    ((a_node > 0)) || die "the grid wants $job_threads threads a rank; nodes have $cores cores"
    ((room > 0)) || die "a rank takes up to $job_memory MB; nodes of this partition have $node_memory MB"
    ((a_node <= room)) || a_node=$room
    job_ranks=${ranks:-$useful}
    ((job_ranks <= nodes * a_node)) || job_ranks=$((nodes * a_node))
    ((job_ranks > 0)) || job_ranks=1
    if [[ -n $ranks ]] && ((ranks > job_ranks)); then
        die "$(some "$ranks" rank), each $(some "$job_threads" thread) and $job_memory MB, do not fit on $(some "$nodes" node); $job_ranks would"
    fi
    job_nodes=$((nodes < job_ranks ? nodes : job_ranks))
    job_expected=$(expected "$job_ranks" "$@")
    local most=0
    [[ $longest == infinite ]] || most=$(seconds_of "$longest")
    if [[ -n $limit ]]; then
        job_limit=$(seconds_of "$limit") || die "\"$limit\" is no time: minutes, HH:MM:SS or D-HH:MM:SS"
    else
        job_limit=$(((job_expected * 3 / 2 + 900) / 300 * 300))
        ((most == 0 || job_limit <= most)) || job_limit=$most
    fi
}

# ---- the script ----

quoted() { # for a line of #SBATCH
    local text=${1//\\/\\\\}
    printf '"%s" ' "${text//\"/\\\"}"
}
words() { # for the shell
    (($# == 0)) || printf '%q ' "$@"
}

# compose SCRIPT SETUP OPTION...: the script with its options, and shell text that sets its arguments, on standard output
compose() {
    local script=$1 setup=$2 option
    sed '/^$/,$d' "$script"
    for option in "${@:3}"; do
        echo "#SBATCH $(quoted "$option")"
    done
    local others=("${submit_options[@]}" "${sbatch_options[@]}")
    if ((${#others[@]})); then
        echo "#SBATCH $(for option in "${others[@]}"; do quoted "$option"; done)" # in one line: "-A", "me" belong together
    fi
    echo
    echo "export FINEPROBE_SITE=$(words "$FINEPROBE_SITE")FINEPROBE=$(words "$fineprobe")"
    echo "$setup"
    echo
    sed '1,/^$/d' "$script"
}

# submit SCRIPT SETUP OPTION...: its job's number goes to $job
submit() {
    local script
    script=$(compose "$@")
    job=JOB
    if [[ -n $dry ]]; then
        printf '%s\n' "$script"
    else
        job=$(sbatch --parsable <<<"$script") || exit $?
        job=${job%%;*} # the cluster's name may stand behind it
    fi
}

# job_options LOG: sets $options
job_options() {
    local notice=120
    ((job_limit >= 600)) || notice=60 # Slurm looks at time limits every 30 s
    options=("--job-name=$name" "--comment=$comment" "--output=$1" --open-mode=append --requeue "--signal=B:USR1@$notice"
        "--nodes=$job_nodes" "--ntasks=$job_ranks" "--cpus-per-task=$job_threads"
        "--mem-per-cpu=$(((job_memory + job_threads - 1) / job_threads))M" "--time=$(duration "$job_limit")")
    [[ -z $partition ]] || options+=("--partition=$partition")
}

# ---- what the user is told ----

some() { # NUMBER THING
    printf '%d %s%s' "$1" "$2" "$( (($1 == 1)) || echo s)"
}
tell() { # WHAT TEXT: a line; the standard output of a dry run is the script alone
    local to=1
    [[ -z $dry ]] || to=2
    printf '%-9s %s\n' "$1" "$2" >&"$to"
}
tell_job() { # WHAT
    tell job "$1: $(some "$job_ranks" rank) on $(some "$job_nodes" node), $(some "$job_threads" thread) and $job_memory MB a rank"
    tell '' "about $(in_words "$job_expected") of computing; time limit $(duration "$job_limit")"
    ((job_expected <= job_limit)) || tell '' 'longer than the time limit: it queues itself again until everything is done'
}
tell_afterwards() { # JOBS LOGS
    tell result "$output"
    tell logs "$2"
    [[ -z $dry ]] || return 0
    tell watch "squeue -j $1; tail -F $(words "$2")"
    tell '' "$(words "$fineprobe" status "$output")"
    tell stop "scancel ${1//,/ } (what is done is saved; the same command goes on)"
}

# ---- one job, or an array and a job behind it ----

submit_one() {
    resources -o "$output"
    tell_job "$name"
    job_options "${output_pattern%.h5}-%j.log"
    submit "$here/sweep.sbatch" "set -- $(words "$grid" "$output" "${run_options[@]}")" "${options[@]}"
    tell_afterwards "$job" "${output%.h5}-$job.log"
}

# Models that take about the same memory (up to the same power of two) make an array: the elements of an array are alike.
plan_elements() {
    local i class
    for i in "${!models[@]}"; do
        files[i]=$parts/${models[i]}.h5
        resources --models "${models[i]}" -o "${files[i]}"
        class=128
        while ((class < job_memory)); do class=$((2 * class)); done
        members[$class]+=${members[$class]:+,}$i
        tell element "$i: ${models[i]}, about $(in_words "$job_expected") of computing"
        ((${most_ranks[$class]:-0} >= job_ranks)) || most_ranks[$class]=$job_ranks most_nodes[$class]=$job_nodes
        ((${most_memory[$class]:-0} >= job_memory)) || most_memory[$class]=$job_memory
        ((${most_time[$class]:-0} >= job_limit)) || most_time[$class]=$job_limit
        ((${most_expected[$class]:-0} >= job_expected)) || most_expected[$class]=$job_expected
    done
}

submit_array() {
    local parts=${output%.h5}.parts parts_pattern=${output_pattern%.h5}.parts models files=() class jobs='' setup
    local -A members=() most_ranks=() most_nodes=() most_memory=() most_time=() most_expected=()
    mapfile -t models < <(model_names)
    ((${#models[@]} > 1)) || die "$grid has one model; it makes no array"
    plan_elements
    [[ -n $dry ]] || mkdir -p "$parts"
    setup="models=($(words "${models[@]}"))
files=($(words "${files[@]}"))
set -- $(words "$grid")\"\${files[SLURM_ARRAY_TASK_ID]}\" --models \"\${models[SLURM_ARRAY_TASK_ID]}\" $(words "${run_options[@]}")"
    for class in $(printf '%s\n' "${!members[@]}" | sort -n); do
        job_ranks=${most_ranks[$class]} job_nodes=${most_nodes[$class]} job_memory=${most_memory[$class]}
        job_limit=${most_time[$class]} job_expected=${most_expected[$class]}
        tell_job "$name, elements ${members[$class]}"
        job_options "$parts_pattern/%A-%a.log"
        submit "$here/sweep.sbatch" "$setup" "${options[@]}" "--array=${members[$class]}"
        jobs+=${jobs:+,}$job
    done
    options=("--job-name=$name-merge" "--comment=$comment" "--output=${output_pattern%.h5}-merge-%j.log" --ntasks=1
        --mem-per-cpu=1G "--dependency=afterany:${jobs//,/:}")
    [[ -z $partition ]] || options+=("--partition=$partition")
    submit "$here/merge.sbatch" "set -- $(words "$output" "${files[@]}")" "${options[@]}"
    tell_afterwards "$jobs,$job" "$parts/"
}

# One job at a time on a result file; jobs that wait in the queue are seen here, sweeps that run by the file's lock.
refuse_a_second() {
    local other
    other=$(squeue -h -o '%i|%T|%k' | comment=$comment awk -F'|' \
        'substr($0, length($1 $2) + 3) == ENVIRON["comment"] {print $1 " (" $2 ")"}')
    [[ -z $other ]] || die "another job works on $output already: $(paste -sd ' ' <<<"$other"); wait for it, or scancel it"
    if "$fineprobe" status --json "$output" 2>/dev/null | grep -q '^  "state": "running"'; then
        die "another sweep is writing $output; 'fineprobe status' says which"
    fi
}

ask ${output:+-o "$output"}
name=$(basename "$grid")
name=${name%.*}
[[ -n $output ]] || output=$(text output)
output=$(realpath -m "$output")
output_pattern=${output//%/%%} # as sbatch takes names of logs
grid=$(realpath "$grid")
comment=fineprobe:$output
[[ -z $rank_logs ]] || run_options+=("--rank-logs=${output%.h5}.ranks")
if [[ -z $dry ]]; then
    [[ -z $(absent) ]] || die "not all that the grid names is here yet; nothing was submitted:"$'\n'"$(absent)"
    refuse_a_second
fi
unset SBATCH_JOB_NAME SBATCH_TIMELIMIT SBATCH_OUTPUT SBATCH_SIGNAL ${partition:+SBATCH_PARTITION} # they would go before the script's
look_at_partition
[[ -n $dry ]] || mkdir -p "$(dirname "$output")"
if [[ -n $array ]]; then
    submit_array
else
    submit_one
fi
