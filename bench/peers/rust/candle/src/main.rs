//! candle CPU. It ships AdamW and plain SGD only: W1 (Nadam), W2 and W4 (Adam) run AdamW; W3 runs SGD without momentum.
//! Arguments: --data DIR --workload W1..W4 --epochs N --threads N
use candle_core::{D, DType, Device, Tensor};
use candle_nn::{AdamW, Init, Linear, Module, Optimizer, ParamsAdamW, SGD, VarMap, loss};
use std::{io::Read, time::Instant};

fn arg(name: &str, default: &str) -> String {
    let v: Vec<String> = std::env::args().collect();
    v.iter().position(|a| a == name).map_or(default.into(), |i| v[i + 1].clone())
}

fn idx(dir: &str, stem: &str) -> Vec<u8> {
    let mut out = vec![];
    flate2::read::GzDecoder::new(std::fs::File::open(format!("{dir}/{stem}-ubyte.gz")).unwrap())
        .read_to_end(&mut out)
        .unwrap();
    out.split_off(4 + 4 * out[3] as usize)
}

fn forward(net: &[Linear], tanh: bool, x: &Tensor) -> candle_core::Result<Tensor> {
    let mut x = x.clone();
    for (k, l) in net.iter().enumerate() {
        x = l.forward(&x)?;
        if k + 1 < net.len() {
            x = if tanh { x.tanh()? } else { x.relu()? };
        }
    }
    Ok(x)
}

fn accuracy(net: &[Linear], tanh: bool, x: &Tensor, y: &Tensor) -> candle_core::Result<f32> {
    forward(net, tanh, x)?.argmax(D::Minus1)?.eq(y)?.to_dtype(DType::F32)?.mean_all()?.to_scalar()
}

fn main() -> candle_core::Result<()> {
    let t0 = Instant::now();
    unsafe { std::env::set_var("RAYON_NUM_THREADS", arg("--threads", "1")) };
    let (dir, w, epochs) = (
        arg("--data", "../data/fashion-mnist"),
        arg("--workload", "W1"),
        arg("--epochs", "4").parse::<usize>().unwrap(),
    );
    let (hidden, tanh, batch): (&[usize], bool, usize) = match w.as_str() {
        "W1" => (&[64, 64, 64], false, 32),
        "W2" => (&[128; 5], true, 64),
        "W3" => (&[256, 128, 64], false, 128),
        _ => (&[1024, 1024], false, 256),
    };
    let dev = Device::Cpu;
    let images = |s: &str| {
        let v: Vec<f32> = idx(&dir, s).iter().map(|&b| b as f32 / 255.0).collect();
        let n = v.len() / 784;
        Tensor::from_vec(v, (n, 784), &dev)
    };
    let labels = |s: &str| {
        let v: Vec<u32> = idx(&dir, s).iter().map(|&b| b as u32).collect();
        let n = v.len();
        Tensor::from_vec(v, n, &dev)
    };
    let (x, y) = (images("train-images-idx3")?, labels("train-labels-idx1")?);
    let (xt, yt, xv, yv) =
        (x.narrow(0, 0, 54000)?, y.narrow(0, 0, 54000)?, x.narrow(0, 54000, 6000)?, y.narrow(0, 54000, 6000)?);
    let (xs, ys) = (images("t10k-images-idx3")?, labels("t10k-labels-idx1")?);

    let vars = VarMap::new();
    let (mut net, mut n) = (vec![], 784);
    for (k, &o) in hidden.iter().chain(&[10]).enumerate() {
        let lim = (6.0 / (n + o) as f64).sqrt();
        let wt = vars.get((o, n), &format!("w{k}"), Init::Uniform { lo: -lim, up: lim }, DType::F32, &dev)?;
        let b = vars.get(o, &format!("b{k}"), Init::Const(0.0), DType::F32, &dev)?;
        net.push(Linear::new(wt, Some(b)));
        n = o;
    }
    let mut adam = AdamW::new(
        vars.all_vars(),
        ParamsAdamW { lr: 1e-3, weight_decay: if w == "W1" { 5e-4 } else { 0.0 }, ..Default::default() },
    )?;
    let mut sgd = SGD::new(vars.all_vars(), 0.05)?;
    let setup = t0.elapsed().as_secs_f64();

    let (mut order, mut seed) = ((0..54000u32).collect::<Vec<_>>(), 0x9E3779B97F4A7C15u64);
    let (mut train_s, mut val_s, mut val_acc) = (vec![], vec![], vec![]);
    for _ in 0..epochs {
        let s = Instant::now();
        for i in (1..order.len()).rev() {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            order.swap(i, (seed % (i as u64 + 1)) as usize);
        }
        let mut total = Tensor::zeros((), DType::F32, &dev)?;
        for c in order.chunks(batch) {
            let i = Tensor::from_slice(c, c.len(), &dev)?;
            let l = loss::cross_entropy(&forward(&net, tanh, &xt.index_select(&i, 0)?)?, &yt.index_select(&i, 0)?)?;
            if w == "W3" {
                sgd.backward_step(&l)?
            } else {
                adam.backward_step(&l)?
            }
            total = (total + l.detach())?;
        }
        let m = s.elapsed().as_secs_f64();
        let acc = accuracy(&net, tanh, &xv, &yv)?;
        eprintln!(
            "  epoch: train {m:.3}s val {:.3}s loss {:.4} acc {acc:.4}",
            s.elapsed().as_secs_f64() - m,
            total.to_scalar::<f32>()? / (54000 / batch) as f32
        );
        train_s.push(m);
        val_s.push(s.elapsed().as_secs_f64() - m);
        val_acc.push(acc);
    }
    println!(
        "{{\"peer\": \"candle\", \"mode\": \"cpu\", \"version\": \"0.11.1\", \"workload\": \"{w}\", \"threads\": {}, \"setup_s\": {setup:.3}, \"train_s\": {train_s:?}, \"val_s\": {val_s:?}, \"val_acc\": {val_acc:?}, \"test_acc\": {:.4}, \"total_s\": {:.3}}}",
        arg("--threads", "1"),
        accuracy(&net, tanh, &xs, &ys)?,
        t0.elapsed().as_secs_f64()
    );
    Ok(())
}
