#!/usr/bin/env python3
"""HF PEFT on the CPU, one real training step repeated: the peer of `graft bench`. Needs torch, transformers, peft.
   python hf_peft_step.py --method lora --dtype f32 --steps 20 [--shape layers=4,hidden=512,ffn=1376,heads=8,kv-heads=8,vocab=8192] [--batch 4 --seq 256]
Prints one JSON object with the same keys as `graft bench --json`."""
import argparse, json, resource, statistics, time, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PrefixTuningConfig, get_peft_model
p = argparse.ArgumentParser(); a = p.add_argument
a('--method', default='lora', choices=['lora', 'dora', 'prefix']); a('--dtype', default='f32', choices=['f32', 'bf16'])
a('--shape', default='layers=4,hidden=512,ffn=1376,heads=8,kv-heads=8,vocab=8192'); a('--rank', type=int, default=8)
a('--batch', type=int, default=4); a('--seq', type=int, default=256); a('--steps', type=int, default=20); a('--warmup', type=int, default=3)
a('--threads', type=int, default=2); A = p.parse_args()
s = {k: int(v) for k, v in (x.split('=') for x in A.shape.split(','))}
torch.set_num_threads(A.threads); torch.manual_seed(0); bf = A.dtype == 'bf16'
m = LlamaForCausalLM(LlamaConfig(vocab_size=s['vocab'], hidden_size=s['hidden'], intermediate_size=s['ffn'], num_hidden_layers=s['layers'],
    num_attention_heads=s['heads'], num_key_value_heads=s['kv-heads'], max_position_embeddings=2 * A.seq, tie_word_embeddings=False, use_cache=A.method == 'prefix'))
if bf: m = m.to(torch.bfloat16)
c = (PrefixTuningConfig(task_type='CAUSAL_LM', num_virtual_tokens=30) if A.method == 'prefix' else
     LoraConfig(r=A.rank, lora_alpha=2 * A.rank, lora_dropout=0.0, target_modules='all-linear', use_dora=A.method == 'dora', task_type='CAUSAL_LM'))
m = get_peft_model(m, c); m.train(); ps = [q for q in m.parameters() if q.requires_grad]
o = torch.optim.AdamW(ps, lr=1e-3, weight_decay=0.0, fused=True); ts, ls = [], []
for i in range(A.warmup + A.steps):
    ids = torch.randint(0, s['vocab'], (A.batch, A.seq)); t = time.perf_counter()
    with torch.autocast('cpu', torch.bfloat16, enabled=bf): loss = m(input_ids=ids, labels=ids).loss
    loss.backward(); o.step(); o.zero_grad(set_to_none=True); ls.append(loss.item()); ts.append((time.perf_counter() - t) * 1e3)
ts = ts[A.warmup:]; med = statistics.median(ts)
print(json.dumps({'backend': 'hf-peft', 'dtype': A.dtype, 'method': A.method, 'tokens_per_second': A.batch * A.seq / med * 1e3,
    'step_ms': {'min': min(ts), 'median': med, 'max': max(ts)}, 'peak_memory_bytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    'loss_first': ls[0], 'loss_last': ls[-1]}))
