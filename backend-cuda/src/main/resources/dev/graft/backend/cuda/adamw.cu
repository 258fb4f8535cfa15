// m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2, g' = clip g,
// p = decay p - rate / c1 * m / (sqrt(v) / sqrt(c2) + epsilon): in place, unless something failed before.
struct P { i64 n; i64 beta1; i64 beta2; i64 epsilon; };
extern "C" __global__ void __launch_bounds__(256) adamw(T* __restrict__ p, T* __restrict__ m, T* __restrict__ v,
    const G* __restrict__ g, const T* rate, const T* c1, const T* c2, const T* clip, const T* decay,
    const int* fault, CONDITION P q) {
  if (*fault STOP) return;
  const double b1 = __longlong_as_double(q.beta1), b2 = __longlong_as_double(q.beta2);
  const T beta1 = (T)b1, rest1 = (T)(1 - b1), beta2 = (T)b2, rest2 = (T)(1 - b2);
  const T epsilon = (T)__longlong_as_double(q.epsilon), scale = *clip, keep = *decay;
  const T step = *rate / *c1, root = ROOT(*c2);
  for (i64 i = (i64)blockIdx.x * 256 + threadIdx.x; i < q.n; i += (i64)gridDim.x * 256) {
    T gi = (T)LOADG(g[i]) * scale;
    T mi = m[i] * beta1 + gi * rest1, vi = v[i] * beta2 + gi * gi * rest2;
    m[i] = mi;
    v[i] = vi;
    p[i] = p[i] * keep - mi / (ROOT(vi) / root + epsilon) * step;
  }
}
