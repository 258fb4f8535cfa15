// y[.., i] = x[.., i] * cos - x[.., i + half] * sin, y[.., i + half] = x[.., i + half] * cos + x[.., i] * sin,
// each with the angle of its own place; SIGN -1 gives the transpose.
struct P { i64 n; i64 heads; i64 targets; i64 half; i64 xb; i64 xh; i64 xt; i64 yb; i64 yh; i64 yt; i64 ab; i64 at; };
typedef Vec<T, W> V;
extern "C" __global__ void __launch_bounds__(256) rotary_embedding(T* __restrict__ y,
    const T* __restrict__ x, const T* __restrict__ cosines, const T* __restrict__ sines, P p) {
  for (i64 i = (i64)blockIdx.x * 256 + threadIdx.x; i < p.n; i += (i64)gridDim.x * 256) {
    u32 units = (u32)(p.half / W);
    u32 r = (u32)i, c = r % units * W; r /= units;
    u32 h = r % (u32)p.heads; r /= (u32)p.heads;
    u32 t = r % (u32)p.targets, b = r / (u32)p.targets;
    const T* from = x + b * p.xb + h * p.xh + t * p.xt + c;
    T* to = y + b * p.yb + h * p.yh + t * p.yt + c;
    i64 angle = b * p.ab + t * p.at + c;
    V x1 = *(const V*)from, x2 = *(const V*)(from + p.half);
    V c1 = *(const V*)(cosines + angle), c2 = *(const V*)(cosines + angle + p.half);
    V s1 = *(const V*)(sines + angle), s2 = *(const V*)(sines + angle + p.half);
    for (int e = 0; e < W; e++) {
      A a = LOAD(x1.v[e]), d = LOAD(x2.v[e]);
      A turned1, turned2;
      if (SIGN > 0) { turned1 = -d * LOAD(s1.v[e]); turned2 = a * LOAD(s2.v[e]); }
      else { turned1 = d * LOAD(s2.v[e]); turned2 = -a * LOAD(s1.v[e]); }
      A y1 = a * LOAD(c1.v[e]) + turned1, y2 = d * LOAD(c2.v[e]) + turned2;
      x1.v[e] = STORE(y1); x2.v[e] = STORE(y2);
    }
    *(V*)to = x1;
    *(V*)(to + p.half) = x2;
  }
}
