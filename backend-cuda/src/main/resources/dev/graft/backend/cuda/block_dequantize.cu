// y[i] = book[code i] * scale[i / block], codes of 4 bits, the first in the high half of its byte.
struct P { i64 n; i64 block; };
extern "C" __global__ void __launch_bounds__(256) block_dequantize(T* __restrict__ y,
    const u8* __restrict__ packed, const float* __restrict__ scales, const float* __restrict__ book, P p) {
  __shared__ float values[16];
  if (threadIdx.x < 16) values[threadIdx.x] = book[threadIdx.x];
  __syncthreads();
  for (i64 u = (i64)blockIdx.x * 256 + threadIdx.x; u * W < p.n; u += (i64)gridDim.x * 256) {
#if W > 1
    // A whole block, or more of it than one word holds, has one scale.
    u32 word = *(const u32*)(packed + u * (W / 2));
    float scale = scales[(u32)u / (u32)(p.block / W)];
    Vec<T, W> out;
    for (int e = 0; e < W; e++) {
      int code = word >> (e / 2 * 8 + (e % 2 ? 0 : 4)) & 15;
      float v = values[code] * scale;
      out.v[e] = STORE(v);
    }
    *(Vec<T, W>*)(y + u * W) = out;
#else
    int byte = packed[u / 2];
    float v = values[u % 2 ? byte & 15 : byte >> 4] * scales[u / p.block];
    y[u] = STORE(v);
#endif
  }
}
