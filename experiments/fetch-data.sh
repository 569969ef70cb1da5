#!/usr/bin/env bash
# Fetches the paper's data from their publishers into experiments/data (8 MB), where the paper's grids look for them:
#   ud-pud     UD English-PUD, CC BY-SA 3.0       github.com/UniversalDependencies/UD_English-PUD
#   streusle   STREUSLE 4.7.1, CC BY-SA 4.0       github.com/nert-nlp/streusle (the paper used 4.2)
#   trec       TREC question classification       cogcomp.seas.upenn.edu (no licence is stated)
# The first two are taken by the commit's id, against which git checks every byte; files whose size and SHA-256 are known
# here are compared with those as well. What is there already is only checked.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p data
cd data

# file, bytes, SHA-256
known='
ud-pud/en_pud-ud-test.conllu             1386858 c80584f2bc2b31d5bada78a1136f9feec7ac49e5e18898db02dea434b5b8f0aa
streusle/test/streusle.ud_test.conllulex  622090 7d159c49a015214944eab3acbfe7b0aefaa112e0928500a3dada7a4cc1048a18
trec/train_5500.label                     335858 9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3
trec/TREC_10.label                         23354 033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e
'

check() { # file: as it is known; a file that is not known is shown with its digest
    local bytes sum
    read -r bytes sum < <(awk -v file="$1" '$1 == file { print $2, $3 }' <<<"$known") || true
    if [[ -z ${sum:-} ]]; then
        echo "$1: $(stat -c %s "$1") bytes, SHA-256 $(sha256sum <"$1" | cut -d ' ' -f 1) (not known here; git checks what it fetches)"
    elif [[ $(stat -c %s "$1") == "$bytes" && $(sha256sum <"$1" | cut -d ' ' -f 1) == "$sum" ]]; then
        echo "$1: as known"
    else
        echo "$1: not the file that is known here ($bytes bytes, SHA-256 $sum); remove it to fetch it again" >&2
        exit 1
    fi
}

take() { # folder repository commit path...
    local folder=$1 repository=$2 commit=$3 path clone=
    shift 3
    for path; do
        if [[ ! -s $folder/$path ]]; then
            if [[ -z $clone ]]; then
                clone=$(mktemp -d)
                git -C "$clone" init -q
                git -C "$clone" fetch -q --depth 1 "$repository" "$commit"
            fi
            mkdir -p "$(dirname "$folder/$path")"
            git -C "$clone" show "$commit:$path" >"$folder/$path.part"
            mv "$folder/$path.part" "$folder/$path"
        fi
        check "$folder/$path"
    done
    [[ -z $clone ]] || rm -rf "$clone"
}

take ud-pud https://github.com/UniversalDependencies/UD_English-PUD f16eba4ae7f3d161870ed320676c5088b8fa476c \
    en_pud-ud-test.conllu LICENSE.txt
take streusle https://github.com/nert-nlp/streusle 9eb4fa91fce7edc28dcfb3761a81dbbd473de9a9 \
    train/streusle.ud_train.conllulex test/streusle.ud_test.conllulex LICENSE.txt
mkdir -p trec
for file in train_5500.label TREC_10.label; do
    if [[ ! -s trec/$file ]]; then
        curl -fsSL --retry 3 -o "trec/$file.part" "https://cogcomp.seas.upenn.edu/Data/QA/QC/$file"
        mv "trec/$file.part" "trec/$file"
    fi
    check "trec/$file"
done
