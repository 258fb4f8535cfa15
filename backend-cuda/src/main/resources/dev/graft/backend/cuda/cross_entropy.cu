// losses[r] = weight[r] * (log(sum of exp(z[r, j])) - z[r, label[r]]), one row a block at a time.
struct P { i64 rows; i64 n; };
extern "C" __global__ void __launch_bounds__(THREADS) cross_entropy(A* __restrict__ losses,
    const T* __restrict__ z, const i64* __restrict__ labels, const A* __restrict__ weights, P p) {
  for (i64 r = blockIdx.x; r < p.rows; r += gridDim.x) {
    const T* row = z + r * p.n;
    A top = LOAD(row[0]);
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(row + c);
      for (int e = 0; e < W; e++) top = larger(top, (A)LOAD(a.v[e]));
    }
    top = blockMax(top);
    A sum = 0;
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(row + c);
      for (int e = 0; e < W; e++) sum += EXP(LOAD(a.v[e]) - top);
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) {
      i64 label = labels[r];
      A chosen = label >= 0 && label < p.n ? (A)LOAD(row[label]) : (A)0;
      losses[r] = (top + LOG(sum) - chosen) * weights[r];
    }
  }
}
