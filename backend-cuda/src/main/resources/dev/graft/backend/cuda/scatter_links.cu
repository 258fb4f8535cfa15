// Links the updates of each entry in their order: first[entry] and next[j] hold 1 + an update's number, or 0.
struct P { i64 count; i64 length; i64 step; };
extern "C" __global__ void __launch_bounds__(256) scatter_links(const i64* __restrict__ index,
    int* __restrict__ first, int* __restrict__ next, int* fault, P p) {
  for (i64 j = (i64)blockIdx.x * 256 + threadIdx.x; j < p.count; j += (i64)gridDim.x * 256) {
    i64 at = index[j];
    next[j] = 0;
    if (at < 0 || at >= p.length) { *fault = (int)p.step; continue; }
    for (i64 k = j + 1; k < p.count; k++) if (index[k] == at) { next[j] = (int)k + 1; break; }
    i64 k = j - 1;
    while (k >= 0 && index[k] != at) k--;
    if (k < 0) first[at] = (int)j + 1;
  }
}
