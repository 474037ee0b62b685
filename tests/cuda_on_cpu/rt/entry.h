// How the runtime finds a kernel in its library, learns its parameters, and calls it.
#pragma once

namespace cuda_on_cpu {
template <class T> struct Innermost { typedef T type; };
template <class T, size_t n> struct Innermost<T[n]> { typedef typename Innermost<T>::type type; };
template <class T> using innermost = typename Innermost<T>::type;

template <class T> struct Plain { typedef T type; };
template <class T> struct Plain<const T> { typedef T type; };

// As in kernel.py.
struct Parameter {
  unsigned char kind;  // 'v' by value, 'r' pointer to const, 'w' pointer to what may be written
  unsigned bytes;      // of the value, or of what the pointer points to; 0 for void
};
template <class T> constexpr unsigned size = sizeof(T);
template <> constexpr unsigned size<void> = 0;
template <> constexpr unsigned size<const void> = 0;

template <class T> struct Describe { static constexpr Parameter value = {'v', size<T>}; };
template <class T> struct Describe<const T> : Describe<T> {};
template <class T> struct Describe<T *> { static constexpr Parameter value = {'w', size<T>}; };
template <class T> struct Describe<const T *> { static constexpr Parameter value = {'r', size<T>}; };

struct Program {
  void (*enter)(void **arguments);
  const Parameter *parameters;
  size_t count;
  // Where the library lies in memory: constants are read from it, and addr2line wants offsets.
  const char *begin, *end;
};

template <size_t... i> struct Indices {};
template <class... T, size_t... i>
CUDA_ON_CPU_UNCHECKED static void call(void (*kernel)(T...), void **arguments, Indices<i...>) {
  kernel(*(typename Plain<T>::type *)arguments[i]...);
}
template <class... T> struct Signature {
  // One more than there are: a kernel may have no parameters, an array may not be empty.
  static constexpr Parameter parameters[] = {Describe<T>::value..., {0, 0}};
  static constexpr size_t count = sizeof...(T);
  typedef Indices<__integer_pack(sizeof...(T))...> indices;
};
template <class... T> Signature<T...> signature(void (*)(T...));
}  // namespace cuda_on_cpu

extern "C" const char __ehdr_start[] __attribute__((visibility("hidden")));
extern "C" const char _end[] __attribute__((visibility("hidden")));

#define CUDA_ON_CPU_ENTRY(kernel)                                                                  \
  typedef decltype(cuda_on_cpu::signature(&kernel)) cuda_on_cpu_signature;                         \
  CUDA_ON_CPU_UNCHECKED static void cuda_on_cpu_enter(void **arguments) {                          \
    cuda_on_cpu::call(&kernel, arguments, cuda_on_cpu_signature::indices());                       \
  }                                                                                                \
  extern "C" __attribute__((visibility("default")))                                                \
  const cuda_on_cpu::Program cuda_on_cpu_program = {                                               \
      cuda_on_cpu_enter, cuda_on_cpu_signature::parameters, cuda_on_cpu_signature::count,          \
      __ehdr_start, _end};
