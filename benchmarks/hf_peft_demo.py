#!/usr/bin/env python3
"""HF PEFT on the CPU, steps of the fine-tune that `graft demo` does: its peer. Needs torch, transformers, peft.
   python hf_peft_demo.py [--steps 40] [--threads 2]
Batches are padded to their longest sample, as HF's collators do. Prints one JSON object."""
import argparse, gzip, json, pathlib, random, statistics, time
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

parser = argparse.ArgumentParser()
parser.add_argument('--steps', type=int, default=40)
parser.add_argument('--batch', type=int, default=16)
parser.add_argument('--threads', type=int, default=2)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(0)
random.seed(0)

demo = pathlib.Path(__file__).parent.parent / 'demo'
with gzip.open(demo / 'e2e' / 'train.jsonl.gz', 'rt') as file:
    rows = [json.loads(line) for line in file]
random.shuffle(rows)
tokenizer = PreTrainedTokenizerFast.from_pretrained(demo / 'base')
end = tokenizer.convert_tokens_to_ids('<|end|>')


def encode(row):
    chat = [{'role': 'user', 'content': row['prompt']}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    prompt = tokenizer.encode(text, add_special_tokens=False)
    answer = tokenizer.encode(row['completion'], add_special_tokens=False) + [end]
    return prompt + answer, [-100] * len(prompt) + answer


def batch(step):
    samples = [encode(row) for row in rows[step * args.batch:(step + 1) * args.batch]]
    length = max(len(ids) for ids, _ in samples)
    pad = lambda values, filler: torch.tensor([v + [filler] * (length - len(v)) for v in values])
    ids = [ids for ids, _ in samples]
    return {'input_ids': pad(ids, tokenizer.pad_token_id), 'attention_mask': pad([[1] * len(i) for i in ids], 0),
            'labels': pad([labels for _, labels in samples], -100)}


model = AutoModelForCausalLM.from_pretrained(demo / 'base', dtype=torch.float32)
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules='all-linear', task_type='CAUSAL_LM'))
model.train()
learned = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(learned, lr=2e-3, weight_decay=0.0)
seconds = []
for step in range(args.steps):
    start = time.perf_counter()
    loss = model(**batch(step)).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learned, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - start)
print(json.dumps({'backend': 'hf-peft', 'step_seconds': {'min': min(seconds), 'median': statistics.median(seconds),
                                                         'mean': statistics.mean(seconds)}, 'loss_last': loss.item()}))
