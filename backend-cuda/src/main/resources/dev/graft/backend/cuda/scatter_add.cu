// out[o, l, i] = the sum of update[o, j, i] over all j that are linked to l, in their order.
struct P { i64 total; i64 count; i64 inner; i64 length; };
extern "C" __global__ void __launch_bounds__(256) scatter_add(T* __restrict__ out,
    const T* __restrict__ update, const int* __restrict__ first, const int* __restrict__ next, P p) {
  for (i64 n = (i64)blockIdx.x * 256 + threadIdx.x; n < p.total; n += (i64)gridDim.x * 256) {
    i64 i = n % p.inner, r = n / p.inner, l = r % p.length, o = r / p.length;
    A sum = 0;
    for (int j = first[l]; j; j = next[j - 1]) sum += LOAD(update[(o * p.count + j - 1) * p.inner + i]);
    out[n] = STORE(sum);
  }
}
