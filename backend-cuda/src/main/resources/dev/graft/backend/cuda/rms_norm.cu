// y = x / sqrt(mean(x^2) + epsilon) * (w + OFFSET), one row a block at a time, held in registers.
struct P { i64 rows; i64 n; i64 epsilon; };
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm(T* __restrict__ y, const T* __restrict__ x,
    const T* __restrict__ w, P p) {
  const int n = (int)p.n;
  for (i64 r = blockIdx.x; r < p.rows; r += gridDim.x) {
    V a[HELD];
    A sum = 0;
#pragma unroll
    for (int k = 0; k < HELD; k++) {
      int c = (k * THREADS + threadIdx.x) * W;
      if (c < n) {
        a[k] = *(const V*)(x + r * n + c);
#pragma unroll
        for (int e = 0; e < W; e++) { A v = LOAD(a[k].v[e]); sum += v * v; }
      }
    }
    A q = RSQRT(blockSum(sum) / (A)n + (A)__longlong_as_double(p.epsilon));
#pragma unroll
    for (int k = 0; k < HELD; k++) {
      int c = (k * THREADS + threadIdx.x) * W;
      if (c < n) {
        V b = *(const V*)(w + c);
#pragma unroll
        for (int e = 0; e < W; e++) { A v = LOAD(a[k].v[e]) * q * (LOAD(b.v[e]) + (A)OFFSET); b.v[e] = STORE(v); }
        *(V*)(y + r * n + c) = b;
      }
    }
  }
}
