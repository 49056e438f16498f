"""A training by a command on several GPUs, with TRL: FSDP or DeepSpeed by `accelerate`, adapters by PEFT.

Tried with TRL 1.16 on a processor (one process, two with the same losses, adapters), never on a GPU nor with FSDP: the machines that this
was written on have none. With trl, peft, accelerate and datasets installed:

    training.engine = "command"
    training.command = "accelerate launch --num_processes 8 --use_fsdp --fsdp_version 2 --mixed_precision bf16 examples/train-trl.py"

What `stp` puts into the environment and reads of what is printed is in docs/training.md.
"""

import json, os, pathlib, shutil

import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

place = {name: os.environ["STP_TRAIN_" + name] for name in ("DATA", "MANIFEST", "BASE", "OUTPUT", "STATE")}
manifest = json.loads(pathlib.Path(place["MANIFEST"]).read_text())
asked, mean_weight = manifest["settings"], manifest["data"]["mean_weight"]
processes = int(os.environ.get("WORLD_SIZE", 1))
at_a_time = max(1, asked["micro_batch"] or asked["batch"] // processes)


def row(example):
    """Tokens as `stp` has them, which is what the model is asked with later; `labels` leave the prompt out."""
    prompt, completion = example["prompt_tokens"], example["completion_tokens"]
    return {"input_ids": prompt + completion, "labels": [-100] * len(prompt) + completion, "weight": example["weight"]}


def collate(rows):
    """Padded to the longest on the right; every token with its weight."""
    longest = max(len(row["input_ids"]) for row in rows)
    pad = lambda key, value: torch.tensor([row[key] + [value] * (longest - len(row[key])) for row in rows])
    mask = torch.tensor([[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows])
    weights = torch.tensor([row["weight"] for row in rows])
    return {"input_ids": pad("input_ids", 0), "labels": pad("labels", -100), "attention_mask": mask, "weight": weights}


class Weighted(SFTTrainer):
    """The loss of every learned token times its example's weight, over what such a token weighs on average."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        weights, labels = inputs.pop("weight"), inputs.pop("labels")
        outputs = model(**inputs)
        logits = outputs.logits[:, :-1].float().transpose(1, 2)
        each = torch.nn.functional.cross_entropy(logits, labels[:, 1:], reduction="none").sum(1)
        # Of the whole step over all processes, whose gradients are averaged; of this part alone where it is not told.
        learned = (labels != -100).sum() if num_items_in_batch is None else num_items_in_batch / processes
        loss = (each * weights).sum() / (mean_weight * learned)
        return (loss, outputs) if return_outputs else loss


class Told(TrainerCallback):
    """Prints what `stp` reads of a step, in one process of all."""

    def on_log(self, args, state, control, logs=None, **others):
        if state.is_world_process_zero and "loss" in logs:
            told = {name: logs[name] for name in ("loss", "learning_rate", "grad_norm") if name in logs}
            print(json.dumps({"step": state.global_step, **told}), flush=True)


rank, adapters = asked["lora"]["rank"], None
if rank > 0:
    from peft import LoraConfig

    modules = asked["lora"]["projections"]
    adapters = LoraConfig(r=rank, lora_alpha=asked["lora"]["alpha"], target_modules=modules, task_type="CAUSAL_LM")
data = load_dataset("json", data_files=place["DATA"], split="train")
data = data.map(row, remove_columns=data.column_names)
schedules = {"cosine": "cosine_with_min_lr", "linear": "linear", "constant": "constant_with_warmup"}
# Before the weights are read: it lets the processes know of each other, so that under FSDP one of a machine reads for all.
args = SFTConfig(
    output_dir=place["STATE"],
    num_train_epochs=asked["epochs"],
    per_device_train_batch_size=at_a_time,
    gradient_accumulation_steps=max(1, asked["batch"] // (at_a_time * processes)),
    learning_rate=asked["learning_rate"],
    warmup_steps=asked["warmup_steps"],
    lr_scheduler_type=schedules[asked["schedule"]],
    lr_scheduler_kwargs={"min_lr_rate": asked["final_rate"]} if asked["schedule"] == "cosine" else {},
    weight_decay=asked["weight_decay"],
    adam_beta1=asked["betas"][0],
    adam_beta2=asked["betas"][1],
    adam_epsilon=asked["epsilon"],
    max_grad_norm=asked["grad_clip"],
    max_length=None,
    bf16=torch.cuda.is_available(),
    gradient_checkpointing=True,
    seed=manifest["seed"],
    save_steps=50,
    save_total_limit=1,
    logging_steps=1,
    # A bar would begin the lines that are read.
    disable_tqdm=True,
    report_to="none",
    remove_unused_columns=False,
    dataset_kwargs={"skip_prepare_dataset": True},
)
trainer = Weighted(
    model=AutoModelForCausalLM.from_pretrained(place["BASE"], dtype=torch.bfloat16 if adapters else torch.float32),
    processing_class=AutoTokenizer.from_pretrained(place["BASE"]),
    args=args,
    train_dataset=data,
    data_collator=collate,
    callbacks=[Told()],
    peft_config=adapters,
)
# It prints the same again, as nobody reads it.
trainer.remove_callback(PrinterCallback)
# What was written last of a checkpoint is its `trainer_state.json`: one without it was stopped in the middle of that.
saved = pathlib.Path(place["STATE"]).glob("checkpoint-[0-9]*")
saved = sorted(saved, key=lambda folder: int(folder.name.removeprefix("checkpoint-")), reverse=True)
last = next((folder for folder in saved if (folder / "trainer_state.json").exists()), None)
if trainer.is_world_process_zero():
    for half in saved[: saved.index(last) if last else None]:
        shutil.rmtree(half)
trainer.train(resume_from_checkpoint=last and str(last))
if adapters:
    # The loop takes whole models: the adapters are added to the weights.
    trainer.model = trainer.accelerator.unwrap_model(trainer.model).merge_and_unload()
elif trainer.is_fsdp_enabled:
    trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
trainer.save_model(place["OUTPUT"])
