//! Every line, mark and name is there, and none that should not be.

use super::*;

type Values = Vec<(u32, Option<f64>)>;

/// Accuracy and loss of one run that gets better with every epoch.
fn learning(epochs: u32, top: f64) -> [Values; 2] {
    let gained = |epoch: u32| 1.0 - (-0.5 * f64::from(epoch)).exp();
    let by_epoch = |value: &dyn Fn(u32) -> f64| (1..=epochs).map(|epoch| (epoch, Some(value(epoch)))).collect();
    [by_epoch(&|epoch| top * gained(epoch)), by_epoch(&|epoch| 2.0 - top * gained(epoch))]
}

fn run<'a>(label: &'a str, [accuracy, loss]: &'a [Values; 2]) -> Run<'a> {
    Run { label, train_loss: loss, val_loss: loss, train_accuracy: accuracy, val_accuracy: accuracy, diverged: false }
}

/// Number of the runs' lines that are solid, and that are dashed.
fn lines(svg: &str) -> [usize; 2] {
    let curves = svg.lines().filter(|line| line.contains(r#"stroke-linejoin="round""#));
    let colored = curves.filter(|line| LINES.iter().any(|color| line.contains(&color.to_string())));
    // Leads to the labels are thinner.
    let (dashed, solid): (Vec<_>, Vec<_>) =
        colored.filter(|line| !line.contains(r#"width="0.8""#)).partition(|line| line.contains("dasharray"));
    [solid.len(), dashed.len()]
}

#[test]
fn every_number_of_runs_can_be_drawn_and_only_the_best_of_many_are_named() {
    let values: Vec<_> = (0..60).map(|i| learning(9, 0.5 + 0.005 * f64::from(i))).collect();
    let names: Vec<_> = (0..60).map(|i| format!("run {i}")).collect();
    for (n, named, shown) in [(0, 0, [0, 0]), (1, 0, [2, 2]), (8, 8, [16, 16]), (20, 20, [40, 0]), (60, 5, [10, 0])] {
        let runs: Vec<_> = names.iter().zip(&values).take(n).map(|(name, values)| run(name, values)).collect();
        let picture = curves("Many", &runs);
        let labels = picture.svg.lines().filter(|line| line.contains("%  run ")).count();
        assert_eq!((labels, lines(&picture.svg)), (named, shown), "{n} runs");
        assert!(picture.to_png().is_ok());
        if n == 60 {
            assert!(picture.caption.contains("run 59 is best") && picture.svg.contains(">the other 55\u{a0}runs<"));
        }
    }
}

#[test]
fn colors_and_marks_of_twenty_runs_are_never_the_same() {
    let looks = looks(&[Run::default(); 20]);
    assert!(looks.iter().enumerate().all(|(i, look)| look.is_some() && !looks[..i].contains(look)));
}

#[test]
fn gaps_split_lines_and_a_diverged_run_ends_with_a_cross() {
    let mut values = learning(12, 0.9);
    values[0][5].1 = None;
    values[1][5].1 = Some(f64::NAN);
    let mut broken = learning(12, 0.8);
    broken[1][9].1 = Some(1e300);
    let picture = curves("Gaps", &[run("a", &values)]);
    assert_eq!(lines(&picture.svg), [4, 4]);
    let diverged = Run { diverged: true, ..run("b", &broken) };
    let picture = curves("Lost", &[run("a", &values), diverged]);
    assert_eq!(picture.svg.matches("b: diverged after").count(), 2);
    assert!(picture.caption.ends_with("; 1 diverged"));
    // The other run's losses, up to 1.7, still fill the panel.
    assert!(picture.svg.contains(">1.6</text>") && !picture.svg.contains("e30"));
}

#[test]
fn one_run_has_its_best_epoch_and_ends_marked() {
    let values = learning(10, 0.9);
    let picture = curves("One", &[run("only", &values)]);
    assert_eq!(picture.svg.matches("only: best epoch 10").count(), 2);
    for end in ["training 89.4%", "validation 89.4%", "validation 1.106"] {
        assert!(picture.svg.contains(&format!(">{end}</text>")), "{end}");
    }
    assert!(picture.caption.starts_with("validation accuracy rises from 35.4"));
}

#[test]
fn hostile_names_stay_text() {
    let values = learning(3, 0.9);
    let names = ["<script>alert(1)</script>", "$\\frac{a}{b}$ & \"quoted\" \u{1b}"];
    let runs = names.map(|name| run(name, &values));
    let picture = curves("</svg><b>", &runs);
    assert!(!picture.svg.contains("<script") && !picture.svg.contains("<b>") && !picture.svg.contains('\u{1b}'));
    assert_eq!(picture.svg.matches("</svg>").count(), 1);
    assert!(picture.svg.contains("$\\frac{a}{b}$ &amp; &quot;") && picture.to_png().is_ok());
}

#[test]
fn values_off_every_scale_do_not_break_the_picture() {
    let mut values = learning(4, 0.9);
    for (i, wild) in [3e30, f64::MAX, -f64::MAX].into_iter().enumerate() {
        values[1][i].1 = Some(wild);
    }
    values[0][1] = (u32::MAX, Some(1e9));
    let picture = curves("Wild", &[run("wild", &values)]);
    assert!(picture.svg.contains("e30</text>") && !picture.svg.contains("NaN") && !picture.svg.contains("inf"));
    assert!(picture.to_png().is_ok());
}
