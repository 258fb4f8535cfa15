// dx = q * (g * w' - h * mean(g * w' * h)) + before, with q = 1 / sqrt(mean(x^2) + epsilon), h = x * q and
// w' = w + OFFSET; rows are held in registers. Without SUM nothing is added.
struct P { i64 rows; i64 n; i64 epsilon; };
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_backward(T* __restrict__ dx,
    const T* __restrict__ x, const T* __restrict__ w, const T* __restrict__ g, const T* __restrict__ before, P p) {
  const int n = (int)p.n;
  for (i64 r = blockIdx.x; r < p.rows; r += gridDim.x) {
    i64 start = r * n;
    V a[HELD], d[HELD];
    A squares = 0, product = 0;
#pragma unroll
    for (int k = 0; k < HELD; k++) {
      int c = (k * THREADS + threadIdx.x) * W;
      if (c < n) {
        V b = *(const V*)(w + c);
        a[k] = *(const V*)(x + start + c);
        d[k] = *(const V*)(g + start + c);
#pragma unroll
        for (int e = 0; e < W; e++) {
          A v = LOAD(a[k].v[e]);
          squares += v * v;
          product += v * (LOAD(b.v[e]) + (A)OFFSET) * LOAD(d[k].v[e]);
        }
      }
    }
    A q = RSQRT(blockSum(squares) / (A)n + (A)__longlong_as_double(p.epsilon));
    A mean = blockSum(product) * q / (A)n;
#pragma unroll
    for (int k = 0; k < HELD; k++) {
      int c = (k * THREADS + threadIdx.x) * W;
      if (c < n) {
        V b = *(const V*)(w + c);
#if SUM
        V s = *(const V*)(before + start + c);
#endif
#pragma unroll
        for (int e = 0; e < W; e++) {
          A v = q * (LOAD(d[k].v[e]) * (LOAD(b.v[e]) + (A)OFFSET) - LOAD(a[k].v[e]) * q * mean);
#if SUM
          v += LOAD(s.v[e]);
#endif
          b.v[e] = STORE(v);
        }
        *(V*)(dx + start + c) = b;
      }
    }
  }
}
