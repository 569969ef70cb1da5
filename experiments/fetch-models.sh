#!/usr/bin/env bash
# Fetches the paper's five models from the Hugging Face hub into experiments/models: fetch-models.sh [NAME]...
#   tiny mini small medium   google/bert_uncased_L-..._H-..._A-...   (Apache 2.0)
#   base                     google-bert/bert-base-uncased           (Apache 2.0)
# Every file is compared with the size and the digest that the hub states for it (SHA-256 of large files, git's SHA-1
# of small ones); the digests are written to models/SHA256SUMS. What is there already is checked against that list.
set -euo pipefail
cd "$(dirname "$0")"
hub=${HF_ENDPOINT:-https://huggingface.co}
mkdir -p models
cd models
touch SHA256SUMS

repository() {
    case $1 in
    tiny) echo google/bert_uncased_L-2_H-128_A-2 ;;
    mini) echo google/bert_uncased_L-4_H-256_A-4 ;;
    small) echo google/bert_uncased_L-4_H-512_A-8 ;;
    medium) echo google/bert_uncased_L-8_H-512_A-8 ;;
    base) echo google-bert/bert-base-uncased ;;
    *)
        echo "there is no model '$1'; there are tiny, mini, small, medium and base" >&2
        return 1
        ;;
    esac
}

header() { # name, out of the headers on standard input; without quotes
    tr -d '\r' | awk -F ': *' -v name="$1" 'tolower($1) == name { gsub(/^W\/|"/, "", $2); value = $2 } END { print value }'
}

matches() { # file size digest
    [[ -z $2 || $(stat -c %s "$1") == "$2" ]] || return 1
    case ${#3} in
    64) [[ $(sha256sum <"$1" | cut -d ' ' -f 1) == "$3" ]] ;;
    40) [[ $(git hash-object --no-filters "$1") == "$3" ]] ;;
    *) return 1 ;; # the hub states no digest
    esac
}

fetch() { # url file; 1: the hub has no such file
    local headers size digest
    headers=$(curl -sSI --retry 3 "$1")
    [[ $(head -n 1 <<<"$headers") =~ \ (200|30[0-9]) ]] || return 1
    size=$(header x-linked-size <<<"$headers")
    digest=$(header x-linked-etag <<<"$headers")
    [[ -n $digest ]] || digest=$(header etag <<<"$headers")
    curl -fSL --retry 3 --progress-bar -o "$2.part" "$1"
    if ! matches "$2.part" "$size" "$digest"; then
        echo "$2: not what the hub states (${size:-no size} bytes, ${digest:-no digest}); kept as $2.part" >&2
        exit 1
    fi
    mv "$2.part" "$2"
    sha256sum "$2" >>SHA256SUMS
}

for name in "${@:-tiny mini small medium base}"; do
    for model in $name; do
        from=$hub/$(repository "$model")/resolve/main
        folder=bert-$model
        mkdir -p "$folder"
        for file in config.json vocab.txt; do
            [[ -s $folder/$file ]] || fetch "$from/$file" "$folder/$file"
        done
        if [[ ! -s $folder/model.safetensors && ! -s $folder/pytorch_model.bin ]]; then
            fetch "$from/model.safetensors" "$folder/model.safetensors" ||
                fetch "$from/pytorch_model.bin" "$folder/pytorch_model.bin"
        fi
    done
done
sha256sum --check --quiet SHA256SUMS
echo "models: $(wc -l <SHA256SUMS) files as they were fetched"
