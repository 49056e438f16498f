"""Small random checkpoints of every kind, with what `transformers` computes on them."""

import json
import pathlib
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

torch.manual_seed(0)
torch.set_num_threads(1)
out = pathlib.Path(sys.argv[1])

CORPUS = [
    "theorem add_comm (a b : Nat) : a + b = b + a := by omega",
    "theorem mul_comm (a b : Nat) : a * b = b * a := by induction a with simp_all",
    "lemma le_trans (a b c : Nat) (h : a ≤ b) (k : b ≤ c) : a ≤ c := by omega",
] * 3
bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
bpe.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, special_tokens=["<pad>", "<eos>"], initial_alphabet=alphabet))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>", pad_token="<pad>")
tokenizer.chat_template = """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- else %}
    {{- 'You are a prover.' + eos_token }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content.strip() + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" and '</think>' in message.content %}
        {{- '<|im_start|>assistant' + message.content.split('</think>')[-1].lstrip('\\n') }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
CHATS = [
    [dict(role="user", content="  prove it\n")],
    [dict(role="system", content="Be brief."), dict(role="user", content="a"), dict(role="assistant", content="x</think>\n\nb"), dict(role="user", content="c")],
]

COMMON = dict(
    vocab_size=len(tokenizer) + 4,
    hidden_size=48,
    intermediate_size=80,
    num_hidden_layers=3,
    num_attention_heads=6,
    num_key_value_heads=2,
    max_position_embeddings=128,
    initializer_range=0.2,
    eos_token_id=1,
    pad_token_id=0,
    bos_token_id=None,
)


def rope(**fields):
    return {"rope_parameters": {"rope_theta": 10000.0, **fields}}


LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
CASES = {
    "llama": (LlamaConfig, LlamaForCausalLM, dict(tie_word_embeddings=False)),
    "llama-tied": (LlamaConfig, LlamaForCausalLM, dict(tie_word_embeddings=True)),
    "llama-biases": (LlamaConfig, LlamaForCausalLM, dict(attention_bias=True, mlp_bias=True)),
    "llama-head-size": (LlamaConfig, LlamaForCausalLM, dict(head_dim=16)),
    "llama-no-groups": (LlamaConfig, LlamaForCausalLM, dict(num_key_value_heads=6)),
    "llama-linear": (LlamaConfig, LlamaForCausalLM, rope(rope_type="linear", factor=4.0)),
    "llama-dynamic": (LlamaConfig, LlamaForCausalLM, rope(rope_type="dynamic", factor=4.0)),
    "llama-llama3": (LlamaConfig, LlamaForCausalLM, rope(**LLAMA3)),
    "llama-yarn": (LlamaConfig, LlamaForCausalLM, rope(**YARN)),
    "llama-bf16": (LlamaConfig, LlamaForCausalLM, {}),
    "llama-f16": (LlamaConfig, LlamaForCausalLM, {}),
    "llama-sharded": (LlamaConfig, LlamaForCausalLM, {}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, dict(tie_word_embeddings=False)),
    "qwen2-tied": (Qwen2Config, Qwen2ForCausalLM, dict(tie_word_embeddings=True)),
    "qwen2-yarn": (Qwen2Config, Qwen2ForCausalLM, rope(**YARN)),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, dict(head_dim=16, tie_word_embeddings=False)),
    "qwen3-tied": (Qwen3Config, Qwen3ForCausalLM, dict(head_dim=8, tie_word_embeddings=True)),
    "qwen3-biases": (Qwen3Config, Qwen3ForCausalLM, dict(head_dim=8, attention_bias=True)),
}
PROMPTS = [
    "theorem add_comm (a b : Nat) : ",
    "lemma le_trans (a b c : Nat) (h : a ≤ b) (k : b ≤ c) : a ≤ c := by omega\n\ntheorem and_so_on (é : ℕ) : é",
    "b",
]
NEW = 24

facts = {}
for name, (config_class, model_class, changes) in CASES.items():
    model = model_class(config_class(**{**COMMON, **changes})).float().eval()
    # Biases and norms begin as zeros and ones, which would hide one that is mixed up.
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    half = {"llama-bf16": torch.bfloat16, "llama-f16": torch.float16}.get(name)
    if half:
        model = model.to(half)
    folder = out / name
    model.save_pretrained(folder, max_shard_size="40KB" if name == "llama-sharded" else "1GB")
    tokenizer.save_pretrained(folder)
    if half:
        # Not `model.float()`: the rotary frequencies have been rounded too, which no checkpoint stores.
        model = model_class.from_pretrained(folder, dtype=torch.float32).eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with torch.no_grad():
            logits = model(ids).logits[0]
            # An end token must not cut the comparison short.
            more = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW, eos_token_id=None, pad_token_id=0)
        cases.append(dict(prompt=prompt, ids=ids[0].tolist(), logits=logits.tolist(), greedy=more[0, ids.shape[1] :].tolist()))
    facts[name] = cases
    assert name != "llama-sharded" or len(list(folder.glob("model-*.safetensors"))) > 2
chats = [dict(messages=chat, text=tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)) for chat in CHATS]
(out / "chats.json").write_text(json.dumps(chats))
(out / "facts.json").write_text(json.dumps(facts))
