// Hardware ceilings: the rate of fused multiply-adds in float32 (AVX2, AVX-512), of square roots with a division, and
// the bandwidth of a triad and of changes in place.
//
//   gcc -O3 -o peak peak.c -lpthread
//   peak probe [N]   one JSON line in some 20 ms a set: GFLOP/s of N cores together (default 1) right now
//   peak floors KIB  one JSON line for one core: what bounds a step of training whose weights and moments take KIB
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

// One square root and one division a lane, as an update of Adam has them, on registers alone.
#define ROOT_THREAD(NAME, TARGET, V, SET1, SQRT)                                                        \
    __attribute__((target(TARGET))) static void *NAME(void *p) {                                        \
        long thread = (long)p;                                                                          \
        pin(thread);                                                                                    \
        V a = SET1(1.5f), r[ACCUMULATORS];                                                              \
        for (int i = 0; i < ACCUMULATORS; i++) r[i] = SET1(1.0f + i);                                   \
        pthread_barrier_wait(&barrier);                                                                 \
        begin[thread] = now();                                                                          \
        for (long round = 0; round < fma_rounds; round++) {                                             \
            _Pragma("GCC unroll 12") for (int i = 0; i < ACCUMULATORS; i++) r[i] = a / (SQRT(r[i]) + a); \
        }                                                                                               \
        end[thread] = now();                                                                            \
        for (int i = 1; i < ACCUMULATORS; i++) r[0] += r[i];                                            \
        sink = r[0][0];                                                                                 \
        return 0;                                                                                       \
    }
ROOT_THREAD(root_avx2, "avx2", __m256, _mm256_set1_ps, _mm256_sqrt_ps)
ROOT_THREAD(root_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_sqrt_ps)

static long elements;
static int rounds;
static float *A[2], *B[2], *C[2];

// Vectorized by the compiler; EACH is done to element i of a, b and c.
#define STREAM_THREAD(NAME, TARGET, EACH)                                      \
    __attribute__((target(TARGET))) static void *NAME(void *p) {               \
        long thread = (long)p;                                                 \
        pin(thread);                                                           \
        float *restrict a = __builtin_assume_aligned(A[thread], 64);           \
        float *restrict b = __builtin_assume_aligned(B[thread], 64);           \
        float *restrict c = __builtin_assume_aligned(C[thread], 64);           \
        for (long i = 0; i < elements; i++) a[i] = 0, b[i] = 1, c[i] = 2;      \
        pthread_barrier_wait(&barrier);                                        \
        begin[thread] = now();                                                 \
        for (int round = 0; round < rounds; round++) {                         \
            for (long i = 0; i < elements; i++) EACH;                          \
            __asm__ volatile("" ::"r"(a), "r"(b), "r"(c) : "memory");          \
        }                                                                      \
        end[thread] = now();                                                   \
        return 0;                                                              \
    }
#define TRIAD a[i] = b[i] + 0.5f * c[i]
#define IN_PLACE a[i] += 1, b[i] += 1, c[i] += 1
#define WIDE "avx512f,prefer-vector-width=512"
STREAM_THREAD(triad_avx2, "avx2", TRIAD)
STREAM_THREAD(triad_avx512, WIDE, TRIAD)
STREAM_THREAD(in_place_avx2, "avx2", IN_PLACE)
STREAM_THREAD(in_place_avx512, WIDE, IN_PLACE)

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

static int place = 4; // of nine: 4 is the median, 8 the best, which a floor is computed from

// Of nine; `work` units a round and thread give units a second, in 1e9.
static double rated(int count, void *(*thread)(void *), double work) {
    double rates[9];
    for (int i = 0; i < 9; i++) rates[i] = count * work / run(count, thread) / 1e9;
    qsort(rates, 9, sizeof *rates, ascending);
    return rates[place];
}

static int has_avx2, has_avx512;

static void probe(int count) {
    printf("{");
    if (has_avx2) printf("\"avx2\": %.1f", rated(count, fma_avx2, fma_rounds * ACCUMULATORS * 8 * 2.0));
    if (has_avx512) printf("%s\"avx512\": %.1f", has_avx2 ? ", " : "", rated(count, fma_avx512, fma_rounds * ACCUMULATORS * 16 * 2.0));
    printf("}\n");
    fflush(stdout);
}

// GB/s of one core on three arrays of `kib` KiB together; an element of each costs `bytes`.
static double stream(void *(*thread)(void *), long kib, double bytes) {
    elements = kib * 1024 / 12 / 16 * 16;
    rounds = 1 + 40000000 / elements;
    return rated(1, thread, bytes * elements * rounds);
}

// For one core: 1e9 multiply-adds count 2; square roots with a division in 1e9 a second; GB/s.
static void floors(long kib) {
    const struct {
        const char *name;
        int there, lanes;
        void *(*fma)(void *), *(*root)(void *), *(*triad)(void *), *(*in_place)(void *);
    } sets[] = {
        {"avx2", has_avx2, 8, fma_avx2, root_avx2, triad_avx2, in_place_avx2},
        {"avx512", has_avx512, 16, fma_avx512, root_avx512, triad_avx512, in_place_avx512},
    };
    const char *comma = "";
    place = 8;
    printf("{");
    for (int i = 0; i < 2; i++) {
        if (!sets[i].there) continue;
        fma_rounds = 1000000;
        printf("%s\"%s\": {\"fma\": %.1f, ", comma, sets[i].name,
               rated(1, sets[i].fma, fma_rounds * ACCUMULATORS * sets[i].lanes * 2.0));
        fma_rounds = 200000;
        printf("\"roots\": %.3f, ", rated(1, sets[i].root, fma_rounds * ACCUMULATORS * (double)sets[i].lanes));
        printf("\"first\": %.1f, \"second\": %.1f, ", stream(sets[i].triad, 24, 12), stream(sets[i].triad, 288, 12));
        printf("\"memory\": %.1f, ", stream(sets[i].triad, 3 << 17, 12));
        printf("\"in_place\": %.1f}", stream(sets[i].in_place, kib, 24));
        comma = ", ";
    }
    printf("}\n");
}

static void allocate(int threads) {
    for (int i = 0; i < threads; i++) {
        A[i] = aligned_alloc(64, 128L << 20);
        B[i] = aligned_alloc(64, 128L << 20);
        C[i] = aligned_alloc(64, 128L << 20);
    }
}

int main(int argc, char **argv) {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    for (int cpu = 0; cpu < CPU_SETSIZE && cpu_count < MAX_THREADS; cpu++)
        if (CPU_ISSET(cpu, &set)) cpus[cpu_count++] = cpu;
    has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    has_avx512 = __builtin_cpu_supports("avx512f");
    if (argc > 2 && !strcmp(argv[1], "floors")) {
        allocate(1);
        floors(atol(argv[2]));
        return 0;
    }
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
    allocate(most);
    for (int level = 0; level < 4; level++) {
        elements = levels[level].elements;
        rounds = levels[level].rounds;
        for (int count = 1; count <= most; count++)
            printf("triad, GB/s of %d core(s), %s each: %.1f\n", count, levels[level].where,
                   rated(count, has_avx512 ? triad_avx512 : triad_avx2, 12.0 * elements * rounds));
    }
}
