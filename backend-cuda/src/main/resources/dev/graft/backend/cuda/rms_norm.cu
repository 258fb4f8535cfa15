// y = x / sqrt(mean(x^2) + epsilon) * (w + OFFSET), one row a block at a time.
struct P { i64 rows; i64 n; i64 epsilon; };
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm(T* __restrict__ y, const T* __restrict__ x,
    const T* __restrict__ w, P p) {
  for (i64 r = blockIdx.x; r < p.rows; r += gridDim.x) {
    const T* row = x + r * p.n;
    A sum = 0;
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(row + c);
      for (int e = 0; e < W; e++) { A v = LOAD(a.v[e]); sum += v * v; }
    }
    A q = RSQRT(blockSum(sum) / (A)p.n + (A)__longlong_as_double(p.epsilon));
    for (int c = threadIdx.x * W; c < p.n; c += THREADS * W) {
      V a = *(const V*)(row + c), b = *(const V*)(w + c);
      for (int e = 0; e < W; e++) { A v = LOAD(a.v[e]) * q * (LOAD(b.v[e]) + (A)OFFSET); a.v[e] = STORE(v); }
      *(V*)(y + r * p.n + c) = a;
    }
  }
}
