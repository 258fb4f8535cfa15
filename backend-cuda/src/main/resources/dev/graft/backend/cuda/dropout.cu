// y[i] = x[i] * scaling if the lane of element i is at least the threshold, else 0. One random word serves two
// elements: its low half the even one, its high half the odd one.
struct P { i64 n; i64 low; i64 high; i64 threshold; i64 scaling; };
D u32 mix(u32 z) {
  z = (z ^ z >> 16) * 0x21F0AAADu;
  z = (z ^ z >> 15) * 0x735A2D97u;
  return z ^ z >> 15;
}
typedef Vec<T, W> V;
extern "C" __global__ void __launch_bounds__(256) dropout(T* __restrict__ y, const T* __restrict__ x,
    const i64* __restrict__ step, P p) {
  const u32 key = mix(mix((u32)*step ^ (u32)p.low) ^ (u32)p.high), threshold = (u32)p.threshold;
  const A scaling = (A)__longlong_as_double(p.scaling);
  for (u32 i = (blockIdx.x * 256 + threadIdx.x) * W; i < (u32)p.n; i += gridDim.x * 256 * W) {
    V a = *(const V*)(x + i);
#pragma unroll
    for (int e = 0; e < W; e++) {
      u32 word = mix(((i + e) >> 1) * 0x9E3779B1u + key);
      u32 lane = (i + e) & 1 ? word >> 16 : word & 0xFFFF;
      A v = lane >= threshold ? LOAD(a.v[e]) * scaling : (A)0;
      a.v[e] = STORE(v);
    }
    *(V*)(y + i) = a;
  }
}
