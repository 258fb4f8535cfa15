// Sums, or takes the largest, of a value of every thread of a block, always in the same order; every thread gets it.
template<class Z> D Z blockSum(Z x) {
  __shared__ Z parts[32];
  for (int o = 16; o; o >>= 1) x += __shfl_xor_sync(~0u, x, o);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = x;
  __syncthreads();
  x = (threadIdx.x & 31) < (blockDim.x >> 5) ? parts[threadIdx.x & 31] : (Z)0;
  for (int o = 16; o; o >>= 1) x += __shfl_xor_sync(~0u, x, o);
  return x;
}
template<class Z> D Z blockMax(Z x) {
  __shared__ Z parts[32];
  for (int o = 16; o; o >>= 1) x = larger(x, __shfl_xor_sync(~0u, x, o));
  __syncthreads();
  if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = x;
  __syncthreads();
  x = parts[(threadIdx.x & 31) < (blockDim.x >> 5) ? threadIdx.x & 31 : 0];
  for (int o = 16; o; o >>= 1) x = larger(x, __shfl_xor_sync(~0u, x, o));
  return x;
}
typedef Vec<T, W> V;
