// dx = q * (g * w' - h * mean(g * w' * h)) with q = 1 / sqrt(mean(x^2) + epsilon), h = x * q, w' = w + OFFSET.
struct P { i64 rows; i64 n; i64 epsilon; };
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_backward(T* __restrict__ dx,
    const T* __restrict__ x, const T* __restrict__ w, const T* __restrict__ g, P p) {
  for (i64 r = blockIdx.x; r < p.rows; r += gridDim.x) {
    i64 start = r * p.n;
    A squares = 0, product = 0;
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(x + start + c), b = *(const V*)(w + c), d = *(const V*)(g + start + c);
      for (int e = 0; e < W; e++) {
        A v = LOAD(a.v[e]);
        squares += v * v;
        product += v * (LOAD(b.v[e]) + (A)OFFSET) * LOAD(d.v[e]);
      }
    }
    A q = RSQRT(blockSum(squares) / (A)p.n + (A)__longlong_as_double(p.epsilon));
    A mean = blockSum(product) * q / (A)p.n;
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(x + start + c), b = *(const V*)(w + c), d = *(const V*)(g + start + c);
      for (int e = 0; e < W; e++) {
        A v = q * (LOAD(d.v[e]) * (LOAD(b.v[e]) + (A)OFFSET) - LOAD(a.v[e]) * q * mean);
        a.v[e] = STORE(v);
      }
      *(V*)(dx + start + c) = a;
    }
  }
}
