// Hardware ceilings: the rate of fused multiply-adds in float32 (AVX2, AVX-512), and the bandwidth of a triad.
//
//   gcc -O3 -o peak peak.c -lpthread
//   peak probe [N]   one JSON line in some 20 ms a set: GFLOP/s of N cores together (default 1) right now
//   peak             rates and bandwidths of 1 and 2 cores, in half a minute
//
// Each thread is pinned to a core of its own and takes the time itself. Triad bytes are counted as STREAM does:
// 12 an element, without the read that a write to memory causes.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 64
#define ACCUMULATORS 12 // more than latency x units (8) of today's cores

static int cpus[MAX_THREADS], cpu_count;
static pthread_barrier_t barrier;
static double begin[MAX_THREADS], end[MAX_THREADS];
static long fma_rounds;
static volatile float sink; // keeps the results alive

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void pin(long thread) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpus[thread], &set);
    sched_setaffinity(0, sizeof set, &set);
}

// The same loop for a vector type V. Rounding forbids the compiler to shorten it.
#define FMA_THREAD(NAME, TARGET, V, SET1, FMA)                                                      \
    __attribute__((target(TARGET))) static void *NAME(void *p) {                                    \
        long thread = (long)p;                                                                      \
        pin(thread);                                                                                \
        V a = SET1(1.0000001f), b = SET1(1e-7f), r[ACCUMULATORS];                                   \
        for (int i = 0; i < ACCUMULATORS; i++) r[i] = SET1(i * 0.1f);                               \
        pthread_barrier_wait(&barrier);                                                             \
        begin[thread] = now();                                                                      \
        for (long round = 0; round < fma_rounds; round++) {                                         \
            _Pragma("GCC unroll 12") for (int i = 0; i < ACCUMULATORS; i++) r[i] = FMA(r[i], a, b); \
        }                                                                                           \
        end[thread] = now();                                                                        \
        for (int i = 1; i < ACCUMULATORS; i++) r[0] += r[i];                                        \
        sink = r[0][0];                                                                             \
        return 0;                                                                                   \
    }
FMA_THREAD(fma_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
FMA_THREAD(fma_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)

static long triad_elements;
static int triad_rounds;
static float *A[2], *B[2], *C[2];

__attribute__((target("avx2"))) static void *triad(void *p) {
    long thread = (long)p;
    pin(thread);
    float *a = A[thread], *b = B[thread], *c = C[thread];
    for (long i = 0; i < triad_elements; i++) a[i] = 0, b[i] = 1, c[i] = 2;
    pthread_barrier_wait(&barrier);
    begin[thread] = now();
    for (int round = 0; round < triad_rounds; round++) {
        for (long i = 0; i < triad_elements; i++) a[i] = b[i] + 0.5f * c[i];
        __asm__ volatile("" ::"r"(a) : "memory");
    }
    end[thread] = now();
    return 0;
}

// Seconds from the first begin to the last end of `count` threads.
static double run(int count, void *(*work)(void *)) {
    pthread_t threads[MAX_THREADS];
    pthread_barrier_init(&barrier, 0, count);
    for (long i = 0; i < count; i++) pthread_create(&threads[i], 0, work, (void *)i);
    for (int i = 0; i < count; i++) pthread_join(threads[i], 0);
    pthread_barrier_destroy(&barrier);
    double first = begin[0], last = end[0];
    for (int i = 1; i < count; i++) {
        if (begin[i] < first) first = begin[i];
        if (end[i] > last) last = end[i];
    }
    return last - first;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Median of nine; `work` units a round and thread give units a second, in 1e9.
static double median(int count, void *(*thread)(void *), double work) {
    double rates[9];
    for (int i = 0; i < 9; i++) rates[i] = count * work / run(count, thread) / 1e9;
    qsort(rates, 9, sizeof *rates, ascending);
    return rates[4];
}

static void probe(int count) {
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    int avx512 = __builtin_cpu_supports("avx512f");
    printf("{");
    if (avx2) printf("\"avx2\": %.1f", median(count, fma_avx2, fma_rounds * ACCUMULATORS * 8 * 2.0));
    if (avx512) printf("%s\"avx512\": %.1f", avx2 ? ", " : "", median(count, fma_avx512, fma_rounds * ACCUMULATORS * 16 * 2.0));
    printf("}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    for (int cpu = 0; cpu < CPU_SETSIZE && cpu_count < MAX_THREADS; cpu++)
        if (CPU_ISSET(cpu, &set)) cpus[cpu_count++] = cpu;
    if (argc > 1 && !strcmp(argv[1], "probe")) {
        int count = argc > 2 ? atoi(argv[2]) : 1;
        if (count < 1 || count > cpu_count) return fprintf(stderr, "error: %d threads on %d cores\n", count, cpu_count), 2;
        fma_rounds = 1000000;
        probe(count);
        return 0;
    }
    int most = cpu_count < 2 ? 1 : 2;
    fma_rounds = 20000000;
    for (int count = 1; count <= most; count++) {
        printf("FMA, GFLOP/s of %d core(s): ", count);
        probe(count);
    }
    const struct { long elements; int rounds; const char *where; } levels[] = {
        {2L << 10, 300000, "L1, 24 KiB"}, {24L << 10, 20000, "L2, 288 KiB"}, {1L << 20, 200, "L3, 12 MiB"}, {32L << 20, 3, "memory, 384 MiB"},
    };
    for (int i = 0; i < most; i++) {
        A[i] = aligned_alloc(64, 128L << 20);
        B[i] = aligned_alloc(64, 128L << 20);
        C[i] = aligned_alloc(64, 128L << 20);
    }
    for (int level = 0; level < 4; level++) {
        triad_elements = levels[level].elements;
        triad_rounds = levels[level].rounds;
        for (int count = 1; count <= most; count++)
            printf("triad, GB/s of %d core(s), %s each: %.1f\n", count, levels[level].where,
                   median(count, triad, 12.0 * triad_elements * triad_rounds));
    }
}
