#!/bin/bash
# The command line from outside: help and versions, wrong options, every command on small made-up input, and what it
# says when something is wrong.
#
# Usage: test_cli.sh PROGRAM
set -eu

program=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
demo=$root/experiments/demo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

fail() {
    echo "FAILED: $*" >&2
    [ ! -s err ] || sed 's/^/    /' err >&2
    exit 1
}

# expect CODE COMMAND...: runs the program; its output is in out and err
expect() {
    local expected=$1 code=0
    shift
    "$program" "$@" >out 2>err </dev/null || code=$?
    [ "$code" = "$expected" ] || fail "exit code $code, not $expected: fineprobe $*"
}

# says FILE TEXT...: every TEXT stands in FILE
says() {
    local file=$1 text
    shift
    for text in "$@"; do
        grep -qF -- "$text" "$file" || fail "not in $file: $text"
    done
}

lines() {
    wc -l <"$1"
}

# --- help, versions, wrong options
expect 0 --help
cp out help
expect 0 --version
says out "fineprobe "
cp out version
for command in run plan status export report verify merge embed probe tokenize; do
    says help "  $command "
    expect 0 $command --help
    says out "Usage: fineprobe $command" "Example:" "--help"
    [ ! -s err ] || fail "$command --help writes to standard error"
    expect 0 $command --version
    cmp -s out version || fail "$command --version"
    expect 2 $command --no-such-option
    says err "fineprobe $command: unrecognized option" "Try 'fineprobe $command --help'"
    [ ! -s out ] || fail "$command --no-such-option writes to standard output"
done
expect 2
says err "a command is missing"
expect 2 no-such-command
says err "no command 'no-such-command'"
for command in run plan status export report probe; do
    expect 2 $command
    expect 2 $command -x a b
done
expect 2 status one two
says err "one FILE is wanted, not 2"
expect 2 export file.h5
says err "-o DIR is missing"
expect 2 export file.h5 -o d --only units,no_such_table
says err "no table 'no_such_table'"
expect 2 report file.h5 --format html,pdf
says err "--format knows html, svg, png, csv, md and tex, not 'pdf'"
expect 2 report file.h5 --compare other
says err "--compare knows 'paper', not 'other'"
expect 2 report file.h5 --labels POS
says err "--labels wants two names with a colon between, not 'POS'"
expect 2 report file.h5 --number 0
expect 2 plan --ranks 0 grid.yaml
expect 2 plan --ranks 1,x grid.yaml
says err "--ranks wants a whole number of 1 or more, not 'x'"
expect 2 probe --gap 0 file
expect 2 probe --split dev file
says err "--split wants train or test"
expect 2 probe --layer -1 file
expect 2 embed
says err "--model DIR is missing"
expect 2 embed --task no-such-reader
expect 2 embed --train-sentences 5-3
expect 2 embed --train-sentences 0-3
says err "1-800"
expect 2 embed --model m --task trec --train a --lexcats P -o b
says err "conllulex"
expect 2 embed --model m --task trec --train a --test-sentences 1-2 -o b
expect 2 tokenize
says err "--model DIR is missing"

# --- what is not there
expect 1 status missing.h5
says err "missing.h5"
expect 1 report missing.h5
says err "missing.h5"
expect 1 export missing.h5 -o tables
expect 1 verify missing.h5
says err "missing.h5"
expect 1 probe missing.safetensors
says err "missing.safetensors"
expect 1 tokenize --model missing
says err "missing/vocab.txt"
expect 1 embed --model missing --task trec --train "$demo/questions.train.txt" -o v
says err "missing"
expect 2 plan missing.yaml
says err "missing.yaml"
echo "this is no result file" >text.h5
expect 1 status text.h5
expect 1 probe text.h5
says err "text.h5"

# --- tokenize
printf 'The cook, saw\n\nHER\xff.\nthe' >text
expect 0 tokenize --model "$demo" text
[ "$(lines out)" = 4 ] || fail "tokenize: $(lines out) lines"
says out '"text":"The cook, saw","pieces":["the","cook",",","saw"]' '{"text":"","pieces":[],"ids":[]}' \
    '"pieces":["her","."]'
"$program" tokenize --model "$demo" <text | cmp -s - out || fail "tokenize reads standard input differently"
id=$("$program" tokenize --model "$demo" <<<the | sed 's/.*\[\([0-9]*\)\].*/\1/')
[ "$(sed -n "$((id + 1))p" "$demo/vocab.txt")" = the ] || fail "tokenize: the id of 'the' is $id"

# --- a grid whose files are not there can be planned, not carried out
expect 0 plan --json --ranks 1,256 "$root/experiments/paper.yaml"
says out '"to_fetch"' models/bert-base en_pud-ud-test.conllu '"efficiency"'
expect 2 run "$root/experiments/paper.yaml"

# --- the paper's grids, planned where neither models nor data are
for grid in paper dynamics cross-task memorisation five-sizes; do
    mkdir -p elsewhere
    cp "$root/experiments/$grid.yaml" elsewhere
    expect 0 plan elsewhere/$grid.yaml
    says out "base                         12    768     12    108 891 648" "PS-fxn                   word         38" \
        "there is no elsewhere/models/bert-base"
    expect 2 run elsewhere/$grid.yaml
    says err "there is no elsewhere/models/bert-base"
done

# --- plan, run, status, export: a small model from random weights
cat >grid.yaml <<END
models:
  - name: small
    config: {layers: 2, hidden: 16, heads: 2, intermediate: 32, positions: 12}
    vocab: $demo/vocab.txt
tasks:
  - {name: PS, reader: conllulex, label: role, train: $demo/train.conllulex, test: $demo/test.conllulex}
  - {name: TREC, reader: trec, label: coarse, train: $demo/questions.train.txt, test: $demo/questions.test.txt}
finetune: {batch: 64, epochs: 1, learning_rate: 1e-3}
checkpoints: [first, last]
layers: [0, last]
probes: {directprobe: {}}
END
expect 0 plan -o sweep.h5 --ranks 1,16 grid.yaml
says out "small" "PS" "TREC" "sentences are cut" "does not exist yet" "efficiency"
[ ! -e sweep.h5 ] || fail "plan made the result file"
expect 0 plan --json -o sweep.h5 grid.yaml
says out '"exists": false' '"units_kept": 0' '"threads": 1' '"useful_ranks": ' '"rank_memory_bytes": '
expect 2 plan --models small,big grid.yaml
says err 'grid.yaml has no model "big"'
expect 2 run --models big -o sweep.h5 grid.yaml
says err 'grid.yaml has no model "big"'
[ ! -e sweep.h5 ] || fail "run with an unknown model made the result file"
expect 0 plan --models small grid.yaml
sed 's/batch: 64/batch: many/; s/^layers: .*/layers: [zero]/' grid.yaml >wrong.yaml
expect 2 plan wrong.yaml
says err "wrong.yaml:" "problems; nothing was started"
[ "$(lines err)" -ge 3 ] || fail "plan: not all problems at once"

expect 0 run -q --rank-logs ranks -o sweep.h5 grid.yaml
says ranks/rank-0000.log "starts fine-tuning small on PS from step 0" "starts embedding" "starts probing TREC, small" \
    "done after" "leaves"
says out "sweep.h5: every one of 8 units done"
expect 0 status sweep.h5
says out "Finished" "8 done" "of 8"
expect 0 status --json sweep.h5
says out '"state": "finished"' '"running": []' '"failed": []'
expect 0 plan -o sweep.h5 grid.yaml
says out "8 of 8 units are done and stay"
sed 's/1e-3/2e-3/; s/^layers: .*/layers: all/' grid.yaml >other.yaml
expect 0 plan -o sweep.h5 other.yaml
says out "4 of 12 units are done and stay; 4 are done but were made with another"

expect 0 verify sweep.h5
expect 0 export sweep.h5 -o tables
says out "38 tables" "8 of 8 units"
[ "$(find tables -name '*.csv' | wc -l)" = 38 ] || fail "export: $(ls tables)"
says tables/certificates.csv "unit,split,first,second,third,distance,side,instance,weight" "0,train,"
[ "$(lines tables/units.csv)" = 9 ] || fail "export: units.csv has $(lines tables/units.csv) lines"
says tables/units.csv "unit,checkpoint,run,model,finetuned_on,probed_on," ",small,PS,PS,"
says tables/label_distances.csv "unit,model,finetuned_on,probed_on,seed,step,layer,split,label_a,label_b,distance"
labels=$(($(grep -c ^PS, tables/labels.csv)))
pairs=$((labels * (labels - 1) / 2))
[ "$(grep -c '^0,.*,train,' tables/label_distances.csv)" = $pairs ] || fail "export: not $pairs pairs of $labels labels"
expect 0 export sweep.h5 -q -o some --only runs,losses
[ "$(echo some/*)" = "some/losses.csv some/runs.csv" ] || fail "export --only: $(ls some)"
expect 0 report sweep.h5 --format html,csv,md,tex --compare paper
says out "sweep.report: index.html, " "not testable here"
says sweep.report/index.html "How fine-tuning changes 1 model on"
says sweep.report/methods.md "# How these results were made" "## The grid"
[ -s sweep.report/tables/probing.tex ] || fail "report: $(ls sweep.report/tables)"
if command -v tidy >/dev/null; then
    tidy -q -e sweep.report/index.html 2>err || fail "report: index.html is not valid"
fi
expect 1 report sweep.h5 -q --labels POS:no-such-label
says err "'POS' is no task of sweep.h5, or no label of that task"
expect 1 export sweep.h5 -o grid.yaml
says err "grid.yaml"

# --- a sweep with failures: a model whose last weight is no number
model=$(echo sweep.checkpoints/small/PS/*/step-*)
cp -r "$model" broken
printf '\0\0\300\177' |
    dd of=broken/model.safetensors bs=1 seek=$(($(wc -c <broken/model.safetensors) - 4)) conv=notrunc status=none
sed '/config:/d; s/vocab: .*/folder: broken/' grid.yaml >failing.yaml
expect 1 run -q -o failing.h5 failing.yaml
expect 1 run -q -o failing.h5 failing.yaml # the reason outlives a session
expect 1 status failing.h5
says out "Failed" "loss"
expect 1 status --json failing.h5
says out '"message": '
expect 0 export failing.h5 -q -o failing
says failing/unit_provenance.csv ",failed,"

# --- embed and probe: the sweep's own checkpoint, and the demo's model where there is one
embed() {
    expect 0 embed --model "$1" --task conllu-words --label UPOS --train "$demo/train.conllulex" \
        --test "$demo/test.conllulex" --train-sentences 1-60 --test-sentences 1-30 --layers 0,last -o vectors
    says out "in 60 of 60 sentences" "test: " "vectors: 2 layers"
}
embed "$model"
says err "sentences were cut"
[ ! -d "$demo/models/demo-2x32" ] || embed "$demo/models/demo-2x32"
expect 0 probe vectors -o result.json
says err "layer 0, train: " "layer 2, test: "
says result.json '"layer":0,"split":"train"' '"layer":2,"split":"test"' '"NOUN"' '"cluster_of":[0,' \
    '"label_distances":[[null,' '"minimum_distances":'
expect 0 probe -q --layer 2 --split test --centroids --gap 1e-4 --small-clusters 2 vectors
[ ! -s err ] || fail "probe -q writes to standard error"
says out '"gap":0.0001' '"small_clusters":2' '"centroids":[[' '"split":"test"'
! grep -q '"split":"train"' out || fail "probe --split test probes the training set"
"$program" probe -q --layer 2 --split test --centroids --gap 1e-4 --small-clusters 2 --threads 2 vectors |
    sed 's/"seconds":[^}]*//' | cmp -s - <(sed 's/"seconds":[^}]*//' out) || fail "probe: threads change the result"
expect 1 probe --layer 1 vectors
expect 0 embed -q --model "$model" --task trec --train "$demo/questions.train.txt" --layers first -o train-only
[ ! -s out ] || fail "embed -q writes to standard output"
expect 1 probe --split test train-only
expect 1 embed --model "$model" --task trec --train "$demo/questions.train.txt" --layers 3 -o v
says err "0 to 2"
expect 1 embed --model "$model" --task trec --train "$demo/train.conllulex" -o v
says err "train.conllulex:1"
[ ! -e v ] || fail "embed left a file after an error"

# --- probe: people's own vectors, written byte by byte: 5 points in the plane, labels 7 and -3
# header, then float32 (0,0) (1,0) (0,1) (3,0) (4,0), then int64 7 7 7 -3 -3
header='{"points":{"dtype":"F32","shape":[5,2],"data_offsets":[0,40]},"labels":{"dtype":"I64","shape":[5],"data_offsets":[40,80]}}'
own() { # own FILE: labels of the last two points are given in hexadecimal
    {
        printf "\\x$(printf %02x ${#header})\0\0\0\0\0\0\0%s" "$header"
        printf '\0\0\0\0\0\0\0\0\0\0\200\077\0\0\0\0\0\0\0\0\0\0\200\077\0\0\100\100\0\0\0\0\0\0\200\100\0\0\0\0'
        for _ in 1 2 3; do printf '\7\0\0\0\0\0\0\0'; done
        for _ in 1 2; do printf '\375\377\377\377\377\377\377\377'; done
    } >"$1"
}
own own.safetensors
expect 0 probe own.safetensors
says out '"layer":null,"split":null,"points":5,"dimension":2,"labels":[-3,7],"linear":true' '"cluster_of":[0,0,0,1,1]' \
    '"label":7,"size":3' '"label":-3,"size":2'
# the hulls are 2 apart
sed 's/.*"minimum_distances":\[\([0-9.]*\),.*/\1/' out | awk '{exit !($1 > 1.9999 && $1 < 2.0001)}' ||
    fail "probe: the distance is not 2: $(cat out)"
expect 1 probe --layer 0 own.safetensors
header=${header//labels/lobels}
own unlabelled.safetensors
expect 1 probe unlabelled.safetensors
says err '"labels" of 5 whole numbers'

echo "command line: all as it should be"
