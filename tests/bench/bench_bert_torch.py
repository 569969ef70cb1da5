"""The partner of bench_bert: torch on padded batches of 32, as Hugging Face does it.
bench_bert_torch.py SHAPE finetune|embed THREADS N < lines of "pieces words", one for each sentence."""
import resource
import sys
import time

import torch
from torch import nn

SHAPES = {"tiny": (2, 128, 2), "mini": (4, 256, 4), "small": (4, 512, 8), "medium": (8, 512, 8), "base": (12, 768, 12)}
WORDS, POSITIONS, LABELS, BATCH = 30522, 512, 64, 32


class Model(nn.Module):
    def __init__(self, layers, hidden, heads):
        super().__init__()
        self.word = nn.Embedding(WORDS, hidden)
        self.position = nn.Embedding(POSITIONS, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-12)
        self.drop = nn.Dropout(0.1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(hidden, heads, 4 * hidden, 0.1, "gelu", 1e-12, batch_first=True)
            for _ in range(layers))
        self.head = nn.Linear(hidden, LABELS)

    def forward(self, ids, padding):
        x = self.drop(self.norm(self.word(ids) + self.position.weight[: ids.shape[1]]))
        states = [x]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
            states.append(x)
        return states


def batches(lengths):
    for first in range(0, len(lengths), BATCH):
        part = torch.tensor(lengths[first : first + BATCH])
        longest = int(part.max())
        padding = torch.arange(longest)[None, :] >= part[:, None]
        yield torch.randint(1, WORDS, padding.shape).masked_fill(padding, 0), padding


def finetune(model, lengths):
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0)
    model.train()
    start = 0.0
    for k, (ids, padding) in enumerate(batches(lengths)):
        if k == 1:  # the first warms up
            start = time.perf_counter()
        logits = model.head(model(ids, padding)[-1][~padding])
        loss = nn.functional.cross_entropy(logits, torch.randint(0, LABELS, (len(logits),)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - start, sum(lengths[BATCH:])


def embed(model, lengths):
    model.eval()
    start = time.perf_counter()
    with torch.no_grad():
        for ids, padding in batches(lengths):
            vectors = [state[~padding] for state in model(ids, padding)]
    assert vectors
    return time.perf_counter() - start, sum(lengths)


def main():
    shape, what, threads, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    lengths = [int(line.split()[0]) for line in sys.stdin]
    model = Model(*SHAPES[shape])
    if what == "finetune":
        seconds, tokens = finetune(model, lengths[: BATCH * (n + 1)])
    else:
        seconds, tokens = embed(model, lengths[:n])
    print(seconds, tokens, 0, 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


main()
