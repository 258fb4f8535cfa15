// dz[r, j] = (exp(z[r, j]) / sum of exp(z[r, k]) - (j is label[r])) * weight[r] * g.
struct P { i64 rows; i64 n; };
extern "C" __global__ void __launch_bounds__(THREADS) cross_entropy_backward(T* __restrict__ dz,
    const T* __restrict__ z, const i64* __restrict__ labels, const A* __restrict__ weights,
    const A* __restrict__ g, P p) {
  for (i64 r = blockIdx.x; r < p.rows; r += gridDim.x) {
    i64 start = r * p.n, label = labels[r];
    A top = LOAD(z[start]);
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(z + start + c);
      for (int e = 0; e < W; e++) top = larger(top, (A)LOAD(a.v[e]));
    }
    top = blockMax(top);
    A sum = 0;
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(z + start + c);
      for (int e = 0; e < W; e++) sum += EXP(LOAD(a.v[e]) - top);
    }
    A scale = (A)1 / blockSum(sum), factor = weights[r] * *g;
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(z + start + c);
      for (int e = 0; e < W; e++) {
        A v = (EXP(LOAD(a.v[e]) - top) * scale - (c + e == label ? (A)1 : (A)0)) * factor;
        a.v[e] = STORE(v);
      }
      *(V*)(dz + start + c) = a;
    }
  }
}
