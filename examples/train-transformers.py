"""A training by a command, with PyTorch and `transformers` alone: one process, one device, all weights.

    stp train --preset tiny --set training.engine=command --set 'training.command=python examples/train-transformers.py'

What `stp` puts into the environment and reads of what is printed is in docs/training.md. CI runs this file.
"""

import json, math, os, pathlib, random, signal, time

import torch
from transformers import AutoModelForCausalLM

base, output, state = (pathlib.Path(os.environ["STP_TRAIN_" + name]) for name in ("BASE", "OUTPUT", "STATE"))
manifest = json.loads(pathlib.Path(os.environ["STP_TRAIN_MANIFEST"]).read_text())
asked, mean_weight = manifest["settings"], manifest["data"]["mean_weight"]
with open(os.environ["STP_TRAIN_DATA"], encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(manifest["seed"])
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).to(device).train()
adam = {"betas": asked["betas"], "eps": asked["epsilon"], "weight_decay": asked["weight_decay"]}
optimiser = torch.optim.AdamW(model.parameters(), **adam)


def loss_of(part, tokens):
    """The weighted losses of learned tokens, over what `tokens` of them weigh on average."""
    longest = max(len(row["prompt_tokens"]) + len(row["completion_tokens"]) for row in part)
    ids, labels = torch.zeros(len(part), longest, dtype=torch.long), torch.full((len(part), longest), -100)
    for i, row in enumerate(part):
        prompt, both = len(row["prompt_tokens"]), row["prompt_tokens"] + row["completion_tokens"]
        ids[i, : len(both)] = labels[i, : len(both)] = torch.tensor(both)
        labels[i, :prompt] = -100
    logits = model(input_ids=ids.to(device)).logits[:, :-1].float()
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels[:, 1:].to(device), reduction="none")
    weights = torch.tensor([row["weight"] for row in part], device=device)
    return (each.sum(1) * weights).sum() / (mean_weight * tokens)


def rate(step):
    warmup, floor = asked["warmup_steps"], asked["final_rate"]
    if step < warmup:
        return asked["learning_rate"] * (step + 1) / (warmup + 1)
    way = (step - warmup) / max(manifest["steps"] - warmup, 1)
    left = {"cosine": (1 + math.cos(math.pi * way)) / 2, "linear": 1 - way, "constant": 1}[asked["schedule"]]
    return asked["learning_rate"] * (floor + (1 - floor) * left)


done, tokens, saved, stop = 0, 0, time.monotonic(), []
if (state / "last.pt").exists():
    last = torch.load(state / "last.pt", map_location=device)
    done, tokens = last["done"], last["tokens"]
    model.load_state_dict(last["model"])
    optimiser.load_state_dict(last["optimiser"])
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

order = random.Random(manifest["seed"])
epochs = [order.sample(rows, len(rows)) for _ in range(asked["epochs"])]
batches = [epoch[at : at + asked["batch"]] for epoch in epochs for at in range(0, len(rows), asked["batch"])]
for step, batch in enumerate(batches[done:], done):
    learned, size = sum(len(row["completion_tokens"]) for row in batch), asked["micro_batch"] or len(batch)
    weight = sum(len(row["completion_tokens"]) * row["weight"] for row in batch)
    loss = 0.0
    for at in range(0, len(batch), size):
        part = loss_of(batch[at : at + size], learned)
        part.backward()
        loss += part.item() * mean_weight * learned / weight
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), asked["grad_clip"]).item()
    optimiser.param_groups[0]["lr"] = rate(step)
    optimiser.step()
    optimiser.zero_grad()
    tokens += sum(len(row["prompt_tokens"]) + len(row["completion_tokens"]) for row in batch)
    print(json.dumps({"step": step + 1, "loss": loss, "learning_rate": rate(step), "grad_norm": norm, "tokens": tokens}), flush=True)
    if stop or time.monotonic() - saved > 300:
        last = {"done": step + 1, "tokens": tokens, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save(last, state / "new.pt")
        os.replace(state / "new.pt", state / "last.pt")
        saved = time.monotonic()
        if stop:
            raise SystemExit("stopped; the state is kept")
model.save_pretrained(output)
