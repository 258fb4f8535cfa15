// dgate = g * up * slope(gate), dup = g * value(gate): both at one reading of the operands.
struct P { i64 n; };
typedef Vec<T, W> V;
#define C(x) ((A)(x))
extern "C" __global__ void __launch_bounds__(256) gated_activation_backward(T* __restrict__ dgate,
    T* __restrict__ dup, const T* __restrict__ gate, const T* __restrict__ up, const T* __restrict__ g, P p) {
  for (i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * W; i < p.n; i += (i64)gridDim.x * 256 * W) {
    V a = *(const V*)(gate + i), b = *(const V*)(up + i), d = *(const V*)(g + i);
    for (int e = 0; e < W; e++) {
      A x = LOAD(a.v[e]), u = LOAD(b.v[e]), y = LOAD(d.v[e]);
      A value, slope;
#if FUNCTION == 0  // SiLU
      A s = sigmoid(x);
      value = x * s;
      slope = s * (C(1) + x * (C(1) - s));
#elif FUNCTION == 1  // GELU
      A half = C(0.5) * (C(1) + ERF(x * C(0.70710678118654752440)));
      value = x * half;
      slope = half + x * EXP(C(-0.5) * x * x) * C(0.39894228040143267794);
#elif FUNCTION == 2  // GELU by the hyperbolic tangent
      A bend = TANH((x + x * x * x * C(0.044715)) * C(0.79788456080286535588));
      value = C(0.5) * x * (C(1) + bend);
      slope = C(0.5) * (C(1) + bend)
          + C(0.5) * x * (C(1) - bend * bend) * C(0.79788456080286535588) * (C(1) + C(3 * 0.044715) * x * x);
#else  // ReLU
      value = larger(x, C(0));
      slope = x > 0 ? C(1) : C(0);
#endif
      A da = y * u * slope, db = y * value;
      a.v[e] = STORE(da);
      b.v[e] = STORE(db);
    }
    *(V*)(dgate + i) = a;
    *(V*)(dup + i) = b;
  }
}
