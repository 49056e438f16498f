"""Training and sampling with PyTorch and transformers, as `stp bench model` measures them.

Reads one JSON object from the command line and prints one on standard output.
"""

import json
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

task = json.loads(sys.argv[1])
torch.set_num_threads(task["threads"])
torch.manual_seed(0)
device = torch.device(task["device"])


def model(shape):
    config = LlamaConfig(
        vocab_size=shape["vocab_size"],
        hidden_size=shape["width"],
        intermediate_size=shape["ff"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv_heads"],
        max_position_embeddings=shape["max_seq"],
        tie_word_embeddings=True,
        # Nothing ends a text early.
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config).to(device)


def repeat(work, seconds):
    """How often `work` runs a second, after a first run that does not count."""

    def finished():
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()

    finished()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        finished()
        count += 1
    return count / (time.perf_counter() - started)


def precision(half):
    """What products are computed in: 32 bits, or bfloat16 where autocast takes it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=half)


def training(shape, half):
    net = model(shape).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    tokens = torch.randint(8, shape["vocab_size"], (task["train_batch"], task["train_length"]), device=device)

    def step():
        with precision(half):
            loss = net(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return repeat(step, task["seconds"]) * tokens.numel()


def sampling(shape, half):
    net = model(shape).eval()
    prompt = torch.randint(8, shape["vocab_size"], (1, task["prompt"]), device=device)
    rows = prompt.repeat(task["samples"], 1)
    new = task["new_tokens"]

    def generate():
        out = net.generate(
            rows,
            attention_mask=torch.ones_like(rows),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            min_new_tokens=new,
            max_new_tokens=new,
            use_cache=True,
        )
        assert out.shape[1] == task["prompt"] + new

    with torch.inference_mode(), precision(half):
        return repeat(generate, task["seconds"]) * task["samples"] * new


def product():
    n = 4096 if device.type == "cuda" else 1024
    left, right = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    return repeat(lambda: left @ right, min(task["seconds"], 3.0)) * 2 * n**3


def speeds(half):
    return [{"training": training(shape, half), "sampling": sampling(shape, half)} for shape in task["shapes"]]


result = {"version": torch.__version__, "flops": product(), "shapes": speeds(False), "half": speeds(True)}
print(json.dumps(result))
