"""What `transformers` computes on folders that stp wrote, as far from the first time as it may be."""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
first = json.loads((pathlib.Path(sys.argv[1]) / "facts.json").read_text())
worst = {}
for folder in sorted(pathlib.Path(sys.argv[2]).iterdir()):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    model = model.eval()
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), (folder, info)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for case in first.get(folder.name, []):
        assert tokenizer(case["prompt"]).input_ids == case["ids"], folder
        with torch.no_grad():
            logits = model(torch.tensor([case["ids"]])).logits[0]
        error = (logits - torch.tensor(case["logits"])).abs().max().item()
        worst[folder.name] = max(worst.get(folder.name, 0.0), error)
    if folder.name not in first:
        # A model that stp made itself: its own logits are beside it.
        case = json.loads((folder / "expected.json").read_text())
        assert tokenizer(case["text"]).input_ids == case["ids"], folder
        assert tokenizer.decode(case["ids"]) == case["text"]
        with torch.no_grad():
            logits = model(torch.tensor([case["ids"]])).logits[0]
        worst[folder.name] = (logits - torch.tensor(case["logits"]).reshape(logits.shape)).abs().max().item()
print(json.dumps(worst))
