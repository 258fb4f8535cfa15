// Combines a value of every thread of a block of up to 1024, always in the same order; every thread gets it.
D A combineBlock(A x) {
  __shared__ A parts[32];
  for (int o = 16; o; o >>= 1) { A other = __shfl_xor_sync(~0u, x, o); x = COMBINE(x, other); }
  __syncthreads();
  if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = x;
  __syncthreads();
  x = (threadIdx.x & 31) < (blockDim.x >> 5) ? parts[threadIdx.x & 31] : (A)START;
  for (int o = 16; o; o >>= 1) { A other = __shfl_xor_sync(~0u, x, o); x = COMBINE(x, other); }
  return x;
}
