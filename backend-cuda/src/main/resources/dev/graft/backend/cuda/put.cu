// out[o, index[j], i] = update[o, j, i], T being as wide as fits. An index that does not exist is noted.
struct P { i64 total; i64 count; i64 inner; i64 length; i64 step; };
extern "C" __global__ void __launch_bounds__(256) put(T* __restrict__ out, const T* __restrict__ update,
    const i64* __restrict__ index, int* fault, P p) {
  for (i64 n = (i64)blockIdx.x * 256 + threadIdx.x; n < p.total; n += (i64)gridDim.x * 256) {
    i64 i = n % p.inner, r = n / p.inner, j = r % p.count, o = r / p.count, at = index[j];
    if (at < 0 || at >= p.length) { *fault = (int)p.step; continue; }
    out[(o * p.length + at) * p.inner + i] = update[n];
  }
}
