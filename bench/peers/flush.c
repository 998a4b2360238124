// Loaded into every peer (LD_PRELOAD): numbers below 1e-38 become 0, in threads that are started later too.
//
// On Intel's processors arithmetic with subnormal numbers takes a hundred cycles, and L2 breeds them by the
// thousand in the weights of dead pixels: NumPy's fourth epoch of W1 then takes ten times as long as with this. Handloom
// runs without it: its update rules let no such number arise.
#if defined(__x86_64__)
#include <xmmintrin.h>

__attribute__((constructor)) static void flush(void) {
    _mm_setcsr(_mm_getcsr() | 0x8040); // results flushed to zero, operands taken as zero
}
#endif
