"""What `transformers` computes on `.gguf` files: on small ones of every type, written here, and on one that is given."""

import json
import pathlib
import sys

import gguf
import numpy
import torch
from gguf import GGMLQuantizationType as Type
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
random = numpy.random.default_rng(0)
out = pathlib.Path(sys.argv[1])

# Size of a block of 256, and where its 16-bit scales are: of these types `gguf` reads blocks and writes none.
BLOCKS = {
    Type.Q2_K: (84, (80, 82)),
    Type.Q3_K: (110, (108,)),
    Type.Q4_K: (144, (0, 2)),
    Type.Q5_K: (176, (0, 2)),
    Type.Q6_K: (210, (208,)),
}
PLAIN = [Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0]
WIDTH, FF, LAYERS, CONTEXT = 256, 512, 3, 64
# Query heads, key and value heads, and their size: for a Qwen3 in a file, `transformers` knows heads of 128 alone.
HEADS = {"llama": (8, 2, 32), "qwen2": (8, 2, 32), "qwen3": (4, 2, 128)}
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def packed(shape, kind):
    if kind in BLOCKS:
        size, scales = BLOCKS[kind]
        blocks = random.integers(0, 256, (shape[0], shape[1] // 256, size), dtype=numpy.uint8)
        for at in scales:
            scale = (random.random(blocks.shape[:2]) * 0.002).astype(numpy.float16)
            blocks[:, :, at : at + 2] = scale[..., None].view(numpy.uint8)
        return blocks.reshape(shape[0], -1)
    values = (random.standard_normal(shape) / 16).astype(numpy.float32)
    return values.astype(numpy.float16) if kind == Type.F16 else gguf.quantize(values, kind)


def write(path, architecture):
    heads, kv, head = HEADS[architecture]
    file = gguf.GGUFWriter(path, architecture)
    file.add_block_count(LAYERS)
    file.add_embedding_length(WIDTH)
    file.add_feed_forward_length(FF)
    file.add_head_count(heads)
    file.add_head_count_kv(kv)
    file.add_key_length(head)
    file.add_value_length(head)
    file.add_rope_dimension_count(head)
    file.add_context_length(CONTEXT)
    file.add_rope_freq_base(50000.0)
    file.add_layer_norm_rms_eps(1e-5)
    tokens = BYTES + ["ab", "<|end|>"]
    file.add_vocab_size(len(tokens))
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("qwen2" if architecture != "llama" else "smollm")
    file.add_token_list(tokens)
    file.add_token_types([1] * (len(tokens) - 1) + [3])
    file.add_token_merges(["a b"])
    file.add_eos_token_id(len(tokens) - 1)
    kinds = PLAIN + list(BLOCKS)
    turn = iter(range(1000))

    def matrix(name, rows, columns):
        kind = kinds[next(turn) % len(kinds)]
        data = packed((rows, columns), kind)
        file.add_tensor(name, data, raw_dtype=kind)

    def vector(name, size, middle):
        file.add_tensor(name, (middle + 0.3 * random.standard_normal(size)).astype(numpy.float32))

    matrix("token_embd.weight", len(tokens), WIDTH)
    for block in range(LAYERS):
        name = f"blk.{block}"
        for part, rows, columns in [
            ("attn_q", heads * head, WIDTH), ("attn_k", kv * head, WIDTH), ("attn_v", kv * head, WIDTH),
            ("attn_output", WIDTH, heads * head),
            ("ffn_gate", FF, WIDTH), ("ffn_up", FF, WIDTH), ("ffn_down", WIDTH, FF),
        ]:
            matrix(f"{name}.{part}.weight", rows, columns)
            if architecture == "qwen2" and part in ("attn_q", "attn_k", "attn_v"):
                vector(f"{name}.{part}.bias", rows, 0.0)
        vector(f"{name}.attn_norm.weight", WIDTH, 1.0)
        vector(f"{name}.ffn_norm.weight", WIDTH, 1.0)
        if architecture == "qwen3":
            vector(f"{name}.attn_q_norm.weight", head, 1.0)
            vector(f"{name}.attn_k_norm.weight", head, 1.0)
    vector("output_norm.weight", WIDTH, 1.0)
    if architecture != "qwen3":
        matrix("output.weight", len(tokens), WIDTH)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def facts(path, prompts, new):
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    cases = []
    for ids in prompts:
        given = torch.tensor([ids])
        with torch.no_grad():
            logits = model(given).logits[0]
            greedy = model.generate(
                given, attention_mask=torch.ones_like(given), max_new_tokens=new, min_new_tokens=new, do_sample=False,
                eos_token_id=None, pad_token_id=0,
            )
        cases.append(dict(ids=ids, logits=logits[-1].tolist(), greedy=greedy[0, len(ids) :].tolist()))
    return cases


def tokenizer_of(path):
    """The tokenizer of a `smollm` file as SmolLM2's own `tokenizer.json` is made: digits alone, then GPT-2's pieces."""
    fields = gguf.GGUFReader(path).fields
    texts = lambda key: [bytes(fields[key].parts[at]).decode() for at in fields[key].data]
    tokens = texts("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in texts("tokenizer.ggml.merges")]
    made = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tokens)}, merges=merges))
    pieces = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    made.decoder = decoders.ByteLevel()
    kinds = [int(fields["tokenizer.ggml.token_type"].parts[at][0]) for at in fields["tokenizer.ggml.token_type"].data]
    made.add_special_tokens([token for token, kind in zip(tokens, kinds) if kind == 3])
    return made


if len(sys.argv) == 2:
    found = {}
    for architecture in ["llama", "qwen2", "qwen3"]:
        write(out / f"{architecture}.gguf", architecture)
        prompts = [[int(id) for id in random.integers(0, 256, size)] for size in (1, 7, 20)]
        found[architecture] = facts(out / f"{architecture}.gguf", prompts, 12)
    (out / "facts.json").write_text(json.dumps(found))
else:
    given, converted, texts = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), json.loads(sys.stdin.read())
    made, theirs = tokenizer_of(given), AutoTokenizer.from_pretrained(converted)
    rows = [dict(text=text, made=made.encode(text).ids, folder=theirs(text, add_special_tokens=False).input_ids) for text in texts]
    ids = made.encode("The capital of France is").ids
    cases = facts(given, [ids, made.encode("example (a b : Nat) : a + b = b + a := by").ids], 12)
    chat = theirs.apply_chat_template([dict(role="user", content="hello")], tokenize=False, add_generation_prompt=True)
    model, info = AutoModelForCausalLM.from_pretrained(converted, dtype=torch.float32, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    with torch.no_grad():
        again = model.eval()(torch.tensor([ids])).logits[0, -1].tolist()
    (out / "smollm2.json").write_text(json.dumps(dict(rows=rows, cases=cases, chat=chat, again=again, end=theirs.eos_token_id)))
