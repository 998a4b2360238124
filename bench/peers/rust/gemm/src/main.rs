//! 1-thread SGEMM rates of matrixmultiply, gemm and faer at the MLP shapes. Row-major; C = A*B, beta 0.
//! Rounds are interleaved across the libraries so that machine noise hits all of them alike.
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use std::time::Instant;

struct Shape {
    name: &'static str,
    m: usize,
    k: usize,
    n: usize,
    ta: bool,
    tb: bool,
}

fn main() {
    let s = |name, m, k, n, ta, tb| Shape { name, m, k, n, ta, tb };
    let shapes = [
        s("W1 fwd1   32x784 * 784x64", 32, 784, 64, false, false),
        s("W1 dW1    (32x784)^T * 32x64", 784, 32, 64, true, false),
        s("W1 fwd2   32x64 * 64x64", 32, 64, 64, false, false),
        s("W1 dX2    32x64 * (64x64)^T", 32, 64, 64, false, true),
        s("W1 dW2    (32x64)^T * 32x64", 64, 32, 64, true, false),
        s("W1 out    32x64 * 64x10", 32, 64, 10, false, false),
        s("W2 fwd2   64x128 * 128x128", 64, 128, 128, false, false),
        s("W4 fwd1   256x784 * 784x1024", 256, 784, 1024, false, false),
        s("W4 fwd2   256x1024 * 1024x1024", 256, 1024, 1024, false, false),
        s("W4 dW2    (256x1024)^T * 256x1024", 1024, 256, 1024, true, false),
        s("W4 dX2    256x1024 * (1024x1024)^T", 256, 1024, 1024, false, true),
    ];
    println!("{:<36} {:>24} {:>24} {:>24}", "GFLOP/s median (min-max)", "matrixmultiply", "gemm", "faer");
    for Shape { name, m, k, n, ta, tb } in shapes {
        let fill = |len: usize| (0..len).map(|i| ((i * 7919) % 1000) as f32 / 1000.0 - 0.5).collect::<Vec<f32>>();
        let (a, b, mut c) = (fill(m * k), fill(k * n), vec![0f32; m * n]);
        let (ra, ca) = if ta { (1, m as isize) } else { (k as isize, 1) };
        let (rb, cb) = if tb { (1, k as isize) } else { (n as isize, 1) };
        let flops = 2.0 * (m * k * n) as f64;
        let reps = ((0.02 * 40e9 / flops) as usize).max(1);
        let mut rates = [vec![], vec![], vec![]];
        for _ in 0..15 {
            for (lib, out) in rates.iter_mut().enumerate() {
                let t = Instant::now();
                for _ in 0..reps {
                    match lib {
                        0 => unsafe {
                            matrixmultiply::sgemm(
                                m,
                                k,
                                n,
                                1.0,
                                a.as_ptr(),
                                ra,
                                ca,
                                b.as_ptr(),
                                rb,
                                cb,
                                0.0,
                                c.as_mut_ptr(),
                                n as isize,
                                1,
                            )
                        },
                        1 => unsafe {
                            gemm::gemm(
                                m,
                                n,
                                k,
                                c.as_mut_ptr(),
                                1,
                                n as isize,
                                false,
                                a.as_ptr(),
                                ca,
                                ra,
                                b.as_ptr(),
                                cb,
                                rb,
                                0.0,
                                1.0,
                                false,
                                false,
                                false,
                                gemm::Parallelism::None,
                            )
                        },
                        _ => {
                            let (fa, fb) = unsafe {
                                (
                                    MatRef::from_raw_parts(a.as_ptr(), m, k, ra, ca),
                                    MatRef::from_raw_parts(b.as_ptr(), k, n, rb, cb),
                                )
                            };
                            matmul(
                                MatMut::from_row_major_slice_mut(&mut c, m, n),
                                Accum::Replace,
                                fa,
                                fb,
                                1.0f32,
                                Par::Seq,
                            )
                        }
                    }
                    std::hint::black_box(&mut c);
                }
                out.push(reps as f64 * flops / t.elapsed().as_secs_f64() / 1e9);
            }
        }
        let cell = |v: &mut Vec<f64>| {
            v.sort_by(f64::total_cmp);
            format!("{:.1} ({:.1}-{:.1})", v[v.len() / 2], v[0], v[v.len() - 1])
        };
        println!("{name:<36} {:>24} {:>24} {:>24}", cell(&mut rates[0]), cell(&mut rates[1]), cell(&mut rates[2]));
    }
}
