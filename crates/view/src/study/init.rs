//! Weight initialization: zeros keep the units of a layer equal for ever, random weights tell them apart.

use super::leader::{Figure, leader, told};
use super::page::{Block, Conclusion, Page};
use super::sample::{Arm, Trial, arms};
use super::{Origin, again, by_epoch, counted, drawn};
use crate::bands::{Band, Chart, Scale, bands};

/// Units are alike if their gradients differ by less than this share of their size.
const ALIKE: f64 = 1e-6;

/// The gradients of some units of the first hidden layer over the first steps of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients {
    /// Name of its initialization.
    pub init: String,
    /// For each unit, from the first, the norm of the gradient of its incoming weights before each step.
    pub norms: Vec<Vec<f64>>,
    /// The largest norm of the difference of two units' gradients, before each step.
    pub apart: Vec<f64>,
}

/// The page.
pub fn page(trials: &[Trial], gradients: &[Gradients], origin: &Origin) -> Page {
    let arms = arms(trials, |trial| trial.text("weight_init"));
    let mut blocks = vec![Block::Words(
        "Why must weights not begin at zero? If the units of a layer begin equal, each gets the same gradient, and they stay equal: a layer of 64 units learns what one unit could. Below are the gradients of the first units of the first hidden layer, before each step of training.".into(),
    )];
    blocks.extend(counted(trials));
    blocks.push(Block::Heading("What is seen".into()));
    blocks.push(units(gradients));
    let charts = [
        by_epoch("training loss", Scale::Number, &arms, |epoch| Some(epoch.row.train_loss)),
        by_epoch("validation accuracy", Scale::Share, &arms, |epoch| epoch.row.val_accuracy),
    ];
    let caption = match arms
        .iter()
        .filter_map(|arm| Some((arm, arm.sample(Trial::accuracy).mean()?)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
    {
        Some((arm, mean)) => format!("{} reaches {} on average", arm.label, Figure::Accuracy.text(mean)),
        None => "no run has a result".into(),
    };
    blocks.push(drawn("init", "What comes of it", caption, &charts));
    blocks.push(table(&arms));
    blocks.push(Block::Heading("What it says".into()));
    blocks.extend(gradients.iter().map(symmetry).map(Block::Conclusion));
    let contenders: Vec<_> = arms.iter().map(|arm| (arm.label.clone(), arm.sample(Trial::accuracy))).collect();
    blocks.push(Block::Conclusion(leader("init", "validation accuracy", &contenders, Figure::Accuracy)));
    blocks.extend(again(origin));
    Page { title: "Where weights begin".into(), blocks }
}

/// A panel for each init, a line for each unit.
fn units(gradients: &[Gradients]) -> Block {
    let chart = |of: &Gradients| Chart {
        heading: format!("gradient norm, {}", of.init),
        x: "step".into(),
        scale: Scale::Number,
        bands: of
            .norms
            .iter()
            .enumerate()
            .map(|(unit, norms)| Band {
                label: format!("unit {}", unit + 1),
                points: norms.iter().enumerate().map(|(step, &norm)| [step as f64 + 1.0, norm, norm, norm]).collect(),
            })
            .collect(),
    };
    let charts: Vec<Chart> = gradients.iter().map(chart).collect();
    let one: Vec<&str> = gradients.iter().filter(|of| is_one(of)).map(|of| of.init.as_str()).collect();
    let caption = match &one[..] {
        [] => "the units of every init go their own way".to_owned(),
        names => format!("with {} all lines are one line", names.join(" and ")),
    };
    Block::Picture {
        name: "units".into(),
        picture: bands("Gradients of units of the first hidden layer", caption, "", &charts),
    }
}

/// True if all units have the same gradient before every step.
fn is_one(of: &Gradients) -> bool {
    of.norms.len() > 1
        && of.apart.iter().enumerate().all(|(step, apart)| {
            let largest = of.norms.iter().filter_map(|norms| norms.get(step)).fold(0.0, |a: f64, &b| a.max(b));
            *apart <= ALIKE * largest
        })
}

/// Conclusion about symmetry: units stay equal, or not.
fn symmetry(of: &Gradients) -> Conclusion {
    let (units, steps) = (of.norms.len(), of.apart.len());
    if units < 2 || steps == 0 {
        return Conclusion::open(format!("{}: there are no two units to compare", of.init));
    }
    let largest = of.norms.iter().flatten().fold(0.0, |a: f64, &b| a.max(b));
    if largest == 0.0 {
        return Conclusion::settled(format!(
            "{}: no unit of the first hidden layer gets any gradient in {steps} steps, so that none learns",
            of.init
        ));
    }
    if is_one(of) {
        return Conclusion::settled(format!(
            "{}: {units} units have the same gradient before each of {steps} steps, and stay one unit; the gradients have norms up to {largest:.1e}, and their differences up to {:.1e}",
            of.init,
            of.apart.iter().fold(0.0, |a: f64, &b| a.max(b))
        ));
    }
    Conclusion::settled(format!(
        "{}: the units go their own way; before step {steps} the gradients of two of them differ by {:.1e}, with norms up to {largest:.1e}",
        of.init,
        of.apart[steps - 1]
    ))
}

fn table(arms: &[Arm<'_>]) -> Block {
    let row = |arm: &Arm<'_>| {
        vec![arm.label.clone(), arm.trials.len().to_string(), told(&arm.sample(Trial::accuracy), Figure::Accuracy)]
    };
    let head = ["init", "runs", "validation accuracy"].map(str::to_owned).to_vec();
    Block::Table { head, rows: arms.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::tests::trial;
    use super::*;

    fn gradients(init: &str, apart: f64) -> Gradients {
        let norms =
            (0..5).map(|unit| (0..50).map(|step| 0.1 + 0.001 * f64::from(step) + apart * f64::from(unit)).collect());
        Gradients { init: init.into(), norms: norms.collect(), apart: vec![apart * 4.0; 50] }
    }

    #[test]
    fn equal_units_are_one_line_and_others_are_not() {
        let trials: Vec<Trial> = (1..=3)
            .flat_map(|seed| {
                let noise = 0.001 * seed as f64;
                [
                    trial(json!({"weight_init": "zeros"}), seed, &[0.1]),
                    trial(json!({"weight_init": "xavier"}), seed, &[0.8 + noise]),
                ]
            })
            .collect();
        let page = page(&trials, &[gradients("zeros", 0.0), gradients("xavier", 0.01)], &Origin::default());
        let said: Vec<_> = page.conclusions().map(|one| one.text.as_str()).collect();
        assert!(said[0].contains("5 units have the same gradient before each of 50 steps"), "{said:?}");
        assert!(said[1].contains("go their own way") && said[2].starts_with("xavier is the best init"), "{said:?}");
        let (_, picture) = page.pictures().next().unwrap();
        assert_eq!(picture.caption, "with zeros all lines are one line");
        assert!(picture.to_png().is_ok());
    }

    #[test]
    fn without_any_gradient_nothing_learns_and_without_units_nothing_is_said() {
        let none = Gradients { init: "zeros".into(), norms: vec![vec![0.0; 3]; 5], apart: vec![0.0; 3] };
        assert!(symmetry(&none).text.contains("no unit of the first hidden layer gets any gradient"));
        assert!(!symmetry(&Gradients::default()).settled);
    }
}
