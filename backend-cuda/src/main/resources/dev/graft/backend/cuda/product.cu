// out[b, i, j] = alpha * sum over k of a[b, i, k] * b[b, k, j] + c[b, i, j], for any distances: where the
// library has no algorithm.
struct P { i64 m; i64 n; i64 k; i64 am; i64 ak; i64 ab; i64 bk; i64 bn; i64 bb; i64 cm; i64 cb; i64 adds; i64 alpha; };
#define TILE 16
extern "C" __global__ void __launch_bounds__(256) product(TO* __restrict__ out, const T* __restrict__ a,
    const T* __restrict__ b, const TO* c, P p) {
  __shared__ A left[TILE][TILE + 1], right[TILE][TILE + 1];
  i64 columns = (p.n + TILE - 1) / TILE;
  i64 i0 = (blockIdx.x / columns) * TILE, j0 = (blockIdx.x % columns) * TILE;
  int y = threadIdx.x / TILE, x = threadIdx.x % TILE;
  a += blockIdx.y * p.ab; b += blockIdx.y * p.bb; out += blockIdx.y * p.cb; c += blockIdx.y * p.cb;
  A sum = 0;
  for (i64 k0 = 0; k0 < p.k; k0 += TILE) {
    left[y][x] = i0 + y < p.m && k0 + x < p.k ? (A)LOAD(a[(i0 + y) * p.am + (k0 + x) * p.ak]) : (A)0;
    right[y][x] = k0 + y < p.k && j0 + x < p.n ? (A)LOAD(b[(k0 + y) * p.bk + (j0 + x) * p.bn]) : (A)0;
    __syncthreads();
    for (int k = 0; k < TILE; k++) sum += left[y][k] * right[k][x];
    __syncthreads();
  }
  if (i0 + y < p.m && j0 + x < p.n) {
    i64 at = (i0 + y) * p.cm + j0 + x;
    sum *= (A)__longlong_as_double(p.alpha);
    if (p.adds) sum += (A)LOADO(c[at]);
    out[at] = STORE(sum);
  }
}
