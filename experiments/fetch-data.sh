#!/usr/bin/env bash
# Fetches the paper's data from their publishers into experiments/paper/data (8 MB), where the paper's grids look for them:
#   UD English-PUD, CC BY-SA 3.0       github.com/UniversalDependencies/UD_English-PUD
#   STREUSLE 4.7.1, CC BY-SA 4.0       github.com/nert-nlp/streusle (the paper used 4.2)
#   TREC question classification       cogcomp.seas.upenn.edu (no licence is stated)
# The first two are taken by the commit's id, against which git checks every byte; files whose size and SHA-256 are known
# here are compared with those as well. What is there already is only checked.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p paper/data
cd paper/data

# file, bytes, SHA-256
known='
en_pud-ud-test.conllu       1386858 c80584f2bc2b31d5bada78a1136f9feec7ac49e5e18898db02dea434b5b8f0aa
streusle.ud_test.conllulex   622090 7d159c49a015214944eab3acbfe7b0aefaa112e0928500a3dada7a4cc1048a18
train_5500.label             335858 9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3
TREC_10.label                 23354 033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e
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

take() { # repository commit path...
    local repository=$1 commit=$2 path folder=
    shift 2
    for path; do
        if [[ ! -s ${path##*/} ]]; then
            if [[ -z $folder ]]; then
                folder=$(mktemp -d)
                git -C "$folder" init -q
                git -C "$folder" fetch -q --depth 1 "$repository" "$commit"
            fi
            git -C "$folder" show "$commit:$path" >"${path##*/}.part"
            mv "${path##*/}.part" "${path##*/}"
        fi
        check "${path##*/}"
    done
    [[ -z $folder ]] || rm -rf "$folder"
}

take https://github.com/UniversalDependencies/UD_English-PUD f16eba4ae7f3d161870ed320676c5088b8fa476c \
    en_pud-ud-test.conllu
take https://github.com/nert-nlp/streusle 9eb4fa91fce7edc28dcfb3761a81dbbd473de9a9 \
    train/streusle.ud_train.conllulex test/streusle.ud_test.conllulex
for file in train_5500.label TREC_10.label; do
    if [[ ! -s $file ]]; then
        curl -fsSL --retry 3 -o "$file.part" "https://cogcomp.seas.upenn.edu/Data/QA/QC/$file"
        mv "$file.part" "$file"
    fi
    check "$file"
done
