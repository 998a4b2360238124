//! Measurements of `study init` besides training: the gradients of units over the first steps.

use anyhow::Result;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::{Machine, train};
use handloom_view::study::Origin;
use handloom_view::study::init::{self, Gradients};
use handloom_view::study::page::Page;
use handloom_view::study::sample::Trial;

use super::context::StudyContext;

/// Units that are looked at, and steps that are taken.
const UNITS: usize = 5;
const STEPS: usize = 50;
/// Images of the fixed batch over which gradients are taken, as for the diagnostics of each epoch.
const IMAGES: usize = 256;

pub(super) fn page(bench: &StudyContext<'_>, trials: &[Trial], origin: &Origin) -> Result<Page> {
    let mut found: Vec<Gradients> = Vec::new();
    // Of each init the first run: its seed sets the weights, and each later one would only draw others.
    for trial in trials {
        let init = trial.text("weight_init");
        if found.iter().all(|known| known.init != init) {
            found.push(gradients(init, &bench.config(trial)?, &bench.data));
        }
    }
    Ok(init::page(trials, &found, origin))
}

/// The gradients of the first units while `config` takes its first steps.
fn gradients(init: String, config: &Config, data: &Dataset) -> Gradients {
    let machine = Machine::new(1);
    let rows = &batch(config, data);
    let (inputs, units) = (data.pixels(), config.hidden_size.first().map_or(0, |&width| width.min(UNITS)));
    let mut found = Gradients { init, norms: vec![Vec::new(); units], apart: Vec::new() };
    train::steps(config, data, STEPS, &machine, &mut |network| {
        let (_, gradient) = network.gradient(data, rows, &config.loss, &machine);
        let of = |unit: usize| &gradient[0].weight[unit * inputs..(unit + 1) * inputs];
        for (unit, norms) in found.norms.iter_mut().enumerate() {
            norms.push(norm(of(unit).iter().map(|&x| f64::from(x))));
        }
        let apart = |a: usize, b: usize| norm(of(a).iter().zip(of(b)).map(|(&x, &y)| f64::from(x) - f64::from(y)));
        let pairs = (0..units).flat_map(|b| (0..b).map(move |a| (a, b)));
        found.apart.push(pairs.map(|(a, b)| apart(a, b)).fold(0.0, f64::max));
    });
    found
}

/// The first training images, at most [`IMAGES`].
fn batch(config: &Config, data: &Dataset) -> Vec<u32> {
    let (mut rows, _) = data.split(config.val_fraction);
    rows.truncate(IMAGES);
    rows
}

/// Root of the summed squares.
fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn units_that_begin_at_zero_stay_equal_and_others_do_not() {
        let data = handloom_data::locate("garments", &[]).unwrap().train().unwrap();
        let of = |init: &str| {
            let mut config = Config::default();
            let settings = json!({"weight_init": init, "activation": "sigmoid", "optimizer": "sgd", "learning_rate": 0.5, "num_layers": 2, "hidden_size": 8, "batch_size": 16});
            let serde_json::Value::Object(settings) = settings else { unreachable!("it is a map") };
            config.merge(&settings).unwrap();
            gradients(init.into(), &config, &data)
        };
        let zeros = of("zeros");
        assert_eq!((zeros.norms.len(), zeros.norms[0].len(), zeros.apart.len()), (UNITS, STEPS, STEPS));
        assert!(zeros.apart.iter().all(|&apart| apart == 0.0), "{:?}", zeros.apart);
        // The first step has nothing to pass down, later ones have.
        assert!(zeros.norms[0][0] == 0.0 && zeros.norms[0][STEPS - 1] > 0.0, "{:?}", zeros.norms[0]);
        let xavier = of("xavier");
        assert!(xavier.apart.iter().all(|&apart| apart > 1e-4), "{:?}", xavier.apart);
    }
}
