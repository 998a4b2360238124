//! Burn CPU: --mode flex (burn-flex, its current CPU backend) or ndarray (deprecated). No Nadam in Burn: W1 runs Adam.
//! Arguments: --data DIR --workload W1..W4 --epochs N --threads N --mode flex|ndarray
use burn::module::Initializer;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, SgdConfig, decay::WeightDecayConfig, momentum::MomentumConfig};
use burn::prelude::*;
use burn::tensor::activation;
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

#[derive(Module, Debug)]
struct Net {
    layers: Vec<Linear>,
    tanh: bool,
}

impl Net {
    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        for (k, l) in self.layers.iter().enumerate() {
            x = l.forward(x);
            if k + 1 < self.layers.len() {
                x = if self.tanh { activation::tanh(x) } else { activation::relu(x) };
            }
        }
        x
    }
}

fn accuracy(net: &Net, x: Tensor<2>, y: Tensor<1, Int>) -> f32 {
    let n = y.dims()[0] as f32;
    let hits: f32 = net.forward(x).argmax(1).squeeze_dim::<1>(1).equal(y).float().sum().into_scalar();
    hits / n
}

fn main() {
    let t0 = Instant::now();
    unsafe { std::env::set_var("RAYON_NUM_THREADS", arg("--threads", "1")) };
    unsafe { std::env::set_var("MATMUL_NUM_THREADS", arg("--threads", "1")) };
    let (dir, w, epochs, mode) = (
        arg("--data", "../data/fashion-mnist"),
        arg("--workload", "W1"),
        arg("--epochs", "4").parse::<usize>().unwrap(),
        arg("--mode", "flex"),
    );
    let (hidden, tanh, batch): (&[usize], bool, usize) = match w.as_str() {
        "W1" => (&[64, 64, 64], false, 32),
        "W2" => (&[128; 5], true, 64),
        "W3" => (&[256, 128, 64], false, 128),
        _ => (&[1024, 1024], false, 256),
    };
    #[allow(deprecated)]
    let plain = if mode == "flex" { Device::flex() } else { Device::ndarray() };
    let dev = plain.clone().autodiff();
    let images = |s: &str, r: std::ops::Range<usize>, d: &Device| {
        let v: Vec<f32> = idx(&dir, s)[r.start * 784..r.end * 784].iter().map(|&b| b as f32 / 255.0).collect();
        Tensor::<2>::from_data(TensorData::new(v, [r.len(), 784]), d)
    };
    let labels = |s: &str, r: std::ops::Range<usize>, d: &Device| {
        let v: Vec<i64> = idx(&dir, s)[r.clone()].iter().map(|&b| b as i64).collect();
        Tensor::<1, Int>::from_data(TensorData::new(v, [r.len()]), d)
    };
    let (xt, yt) = (images("train-images-idx3", 0..54000, &dev), labels("train-labels-idx1", 0..54000, &dev));
    let (xv, yv) =
        (images("train-images-idx3", 54000..60000, &plain), labels("train-labels-idx1", 54000..60000, &plain));
    let (xs, ys) = (images("t10k-images-idx3", 0..10000, &plain), labels("t10k-labels-idx1", 0..10000, &plain));

    let (mut layers, mut n) = (vec![], 784);
    for &o in hidden.iter().chain(&[10]) {
        layers.push(LinearConfig::new(n, o).with_initializer(Initializer::XavierUniform { gain: 1.0 }).init(&dev));
        n = o;
    }
    let mut net = Net { layers, tanh };
    let wd = (w == "W1").then(|| WeightDecayConfig::new(5e-4));
    let (mut opt, lr) = if w == "W3" {
        (SgdConfig::new().with_momentum(Some(MomentumConfig::new().with_dampening(0.0))).init(), 0.05)
    } else {
        (AdamConfig::new().with_epsilon(1e-8).with_weight_decay(wd).init(), 1e-3)
    };
    let ce = CrossEntropyLossConfig::new().init(&dev);
    let setup = t0.elapsed().as_secs_f64();

    let (mut order, mut seed) = ((0..54000i64).collect::<Vec<_>>(), 0x9E3779B97F4A7C15u64);
    let (mut train_s, mut val_s, mut val_acc) = (vec![], vec![], vec![]);
    for _ in 0..epochs {
        let s = Instant::now();
        for i in (1..order.len()).rev() {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            order.swap(i, (seed % (i as u64 + 1)) as usize);
        }
        let mut total = 0f32;
        for c in order.chunks(batch) {
            let i = Tensor::<1, Int>::from_data(TensorData::new(c.to_vec(), [c.len()]), &dev);
            let loss = ce.forward(net.forward(xt.clone().select(0, i.clone())), yt.clone().select(0, i));
            total += loss.clone().into_scalar::<f32>() * c.len() as f32;
            let grads = GradientsParams::from_grads(loss.backward(), &net);
            net = opt.step(lr, net, grads);
        }
        let m = s.elapsed().as_secs_f64();
        let acc = accuracy(&net.clone().valid(), xv.clone(), yv.clone());
        eprintln!(
            "  epoch: train {m:.3}s val {:.3}s loss {:.4} acc {acc:.4}",
            s.elapsed().as_secs_f64() - m,
            total / 54000.0
        );
        train_s.push(m);
        val_s.push(s.elapsed().as_secs_f64() - m);
        val_acc.push(acc);
    }
    println!(
        "{{\"peer\": \"burn\", \"mode\": \"{mode}\", \"version\": \"0.22.1\", \"workload\": \"{w}\", \"threads\": {}, \"setup_s\": {setup:.3}, \"train_s\": {train_s:?}, \"val_s\": {val_s:?}, \"val_acc\": {val_acc:?}, \"test_acc\": {:.4}, \"total_s\": {:.3}}}",
        arg("--threads", "1"),
        accuracy(&net.valid(), xs, ys),
        t0.elapsed().as_secs_f64()
    );
}
