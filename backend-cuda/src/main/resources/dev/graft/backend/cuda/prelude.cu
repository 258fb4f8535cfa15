typedef signed char i8;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
#define D __device__ __forceinline__

// Neighbours that are read or written together, at most 16 bytes at a time.
template<class T, int N> struct alignas(sizeof(T) * N > 16 ? 16 : sizeof(T) * N) Vec { T v[N]; };

D float fromBf16(u16 x) { return __uint_as_float((u32)x << 16); }
D u16 toBf16(float x) { u16 r; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r) : "f"(x)); return r; }
D float fromF16(u16 x) { float r; asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(x)); return r; }
D u16 toF16(float x) { u16 r; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(r) : "f"(x)); return r; }

// NaN where either is.
template<class T> D T larger(T a, T b) { return a != a ? a : b != b ? b : a > b ? a : b; }
template<class T> D T smaller(T a, T b) { return a != a ? a : b != b ? b : a < b ? a : b; }

// Not through the overflow of e to the -x, which would make small results 0.
D float sigmoid(float x) { float e = expf(-fabsf(x)); return (x >= 0 ? 1.0f : e) / (1.0f + e); }
D double sigmoid(double x) { double e = exp(-fabs(x)); return (x >= 0 ? 1.0 : e) / (1.0 + e); }

// Towards zero; NaN gives 0, and what is beyond the range its nearest end.
template<class T> D i64 whole(T x) { return x != x ? 0 : (i64)x; }
