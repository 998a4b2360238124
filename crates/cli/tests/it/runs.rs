//! `ls`, `show`, `compare`, `tag` and `rm`.

use std::io::Read as _;
use std::time::Instant;

use handloom_engine::config::Config;
use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
use handloom_store::{Epoch, Labels, Run, TestSetAccess};
use serde_json::{Value, json};

use crate::support::Place;

const SMALL: &str = "train -d garments -e 1 -nhl 1 -sz 8 --threads 1 --quiet";

/// Trains a small network and returns its run.
fn trained(place: &Place, flags: &str) -> String {
    let events = place.run(&format!("{SMALL} --json {flags}")).code(0).events();
    events.last().unwrap()["run"].as_str().unwrap().to_owned()
}

fn ids(place: &Place, line: &str) -> Vec<String> {
    let events = place.run(&format!("ls --json {line}")).code(0).events();
    events.iter().map(|event| event["run"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_empty_store_says_what_to_do() {
    let place = Place::new();
    let ended = place.run("ls").code(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "no runs in .handloom/handloom.db yet\n  next:  handloom train -d garments\n");
    assert_eq!(place.run("ls --json").code(0).stdout, "");
    for line in ["show", "tag x y", "rm x --yes", "compare a b", "compare group:a group:b"] {
        place.run(line).code(2);
    }
    assert!(!place.path(".handloom").exists());
}

#[test]
fn runs_are_chosen_sorted_and_shown_in_columns() {
    let place = Place::new();
    let adam = trained(&place, "-o adam --no-test");
    let sgd = trained(&place, "-o sgd --group g --tag base");
    let nag = trained(&place, "-o nag -b 32 --seed 2 --no-test");
    assert_eq!(ids(&place, ""), [&*nag, &*sgd, &*adam]);
    assert_eq!(ids(&place, "--reverse --limit 2"), [&*adam, &*sgd]);
    assert_eq!(ids(&place, "optimizer=sgd,adam"), [&*sgd, &*adam]);
    assert_eq!(ids(&place, "optimizer=nesterov batch_size<64"), [&*nag]);
    assert_eq!(ids(&place, "tag=base group=g test_accuracy>0 status=finished"), [&*sgd]);
    assert_eq!(ids(&place, "seed>=2"), [&*nag]);
    assert_eq!(ids(&place, "train_loss>1e9"), [""; 0]);
    // A run without a test accuracy is last, whichever way.
    assert_eq!(ids(&place, "--sort test_accuracy")[0], sgd);
    assert_eq!(ids(&place, "--sort -test_accuracy")[0], sgd);
    assert_eq!(ids(&place, "--sort -lr")[0], sgd);

    let event = &place.run("ls --json op_adam").code(0).events()[0];
    assert_eq!((&event["v"], &event["event"], &event["status"]), (&json!(1), &json!("run"), &json!("finished")));
    assert_eq!((&event["config"]["optimizer"], &event["epochs"]), (&json!("adam"), &json!(1)));
    assert!(event["val_accuracy"].as_f64().unwrap() > 0.1 && event["last"]["train_loss"].is_f64());
    let event = &place.run("ls --json op_adam --columns lr,train_loss").code(0).events()[0];
    let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["v", "event", "run", "learning_rate", "train_loss"]);

    let ended = place.run("ls --columns optimizer,epochs,seed --sort optimizer").code(0);
    assert_eq!(
        ended.stdout,
        "  optimizer  epochs  seed\n  adam            1     1\n  nag             1     2\n  sgd             1     1\n"
    );
    assert!(
        ended.stderr.contains("3 runs in .handloom/handloom.db · test set opened: garments once"),
        "{}",
        ended.stderr
    );
    assert!(place.run("ls --columns optimzer").code(2).stderr.contains("did you mean `optimizer`"));
    place.run("ls --sort nothing_like_it").code(2);
    place.run("ls optimizer=adma").code(2);
    place.run("ls --limit 0").code(2);
    place.run("ls --plot a.gif").code(2);
    place.run("ls --plot runs.png").code(0);
    assert!(std::fs::read(place.path("runs.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_run_is_shown_with_everything_known() {
    let place = Place::new();
    let run = trained(&place, "-e 2 --notes why");
    let ended = place.run("show --plot curves.svg").code(0);
    for part in [
        run.as_str(),
        "finished",
        "at epoch",
        "test ",
        "why",
        "(default fashion_mnist)",
        "are the defaults (--all)",
        "instructions",
        "sha256",
        "train loss",
        "garments was opened once",
        "by train",
        "model.safetensors",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert!(ended.stderr.contains(&format!("handloom evaluate {run}")), "{}", ended.stderr);
    assert!(std::fs::read(place.path("curves.svg")).unwrap().starts_with(b"<svg"));
    assert!(place.run("show --all").code(0).stdout.contains("batch_size"));
    let events = place.run("show --json").code(0).events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&event["event"], &event["run"], &event["finished_epochs"]), (&json!("show"), &json!(run), &json!(2)));
    let epochs = event["epochs"].as_array().unwrap();
    assert_eq!(epochs.len(), 2);
    assert!(epochs.iter().all(|epoch| epoch["val_accuracy"].is_f64() && epoch.get("layers").is_some()));
    assert_eq!(event["test_openings"]["of_this_run"][0]["by"], "train");
    assert!(place.run("show nothing").code(2).stderr.contains("no run `nothing`"));
}

#[test]
fn two_runs_are_compared_on_the_same_images_and_the_opening_is_counted() {
    let place = Place::new();
    let (a, b) = (trained(&place, "--no-test"), trained(&place, "--no-test -lr 0.01 --epochs 2"));
    // Validation decides, and the test set stays closed.
    for flags in ["", "--no-test"] {
        let closed = place.run(&format!("compare {a} {b} --json {flags}")).code(0).events();
        assert_eq!((&closed[0]["test"], &closed[0]["validation"]["images"]), (&Value::Null, &json!(1200)));
        let verdict = closed[0]["verdict"].as_str().unwrap();
        assert!(verdict.ends_with("on the same 1,200 validation images"), "{verdict}");
    }
    let ended = place.run(&format!("compare {a} {b}")).code(0);
    assert!(!ended.stdout.contains("test images") && !ended.stdout.contains("opened"), "{}", ended.stdout);
    assert!(place.run(&format!("show {a}")).code(0).stdout.contains("opened never"));
    place.run(&format!("compare {a} {b} --test --no-test")).code(2);
    let events = place.run(&format!("compare {a} {b} --test --json")).code(0).events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let settings: Vec<&String> = event["settings"].as_object().unwrap().keys().collect();
    assert_eq!(settings, ["epochs", "learning_rate"]);
    let test = &event["test"];
    let number = |name: &str| test[name].as_f64().unwrap();
    assert_eq!((number("images"), &test["openings"]), (2000.0, &json!(1)));
    let difference = number("b_accuracy") - number("a_accuracy");
    assert!(((number("fixes") - number("breaks")) / 2000.0 - difference).abs() < 1e-12);
    assert!((test["difference"]["value"].as_f64().unwrap() - difference).abs() < 1e-12);
    assert_eq!(event["settled"], true);
    for (verdict, images) in [(&event["verdict"], "1,200 validation images"), (&test["verdict"], "2,000 test images")] {
        let verdict = verdict.as_str().unwrap();
        assert!(verdict.starts_with("settled: B is better by") && verdict.ends_with(images), "{verdict}");
    }
    // Its validation figures are those that training recorded.
    assert_eq!(event["validation"]["a_accuracy"], event["a"]["val_accuracy"]);
    assert_eq!(event["validation"]["b_accuracy"], event["b"]["val_accuracy"]);

    let ended = place.run(&format!("compare {b} {a} --test --plot c.png")).code(0);
    assert!(
        ended.stdout.contains("on the test set, settled: A is better by") && ended.stdout.contains("McNemar p < 0.001"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("opened twice") && place.path("c.png").exists());
    assert!(place.run(&format!("show {a}")).code(0).stdout.contains("by compare"));
    assert!(place.run(&format!("compare {a} {a}")).code(2).stderr.contains("on both sides"));

    std::fs::remove_file(place.path(&format!(".handloom/runs/{a}/model.safetensors"))).unwrap();
    let ended = place.run(&format!("compare {a} {b}")).code(0);
    assert!(ended.stdout.contains("not on the same images: run"), "{}", ended.stdout);
    let ended = place.run(&format!("compare {a} {b} --test")).code(0);
    assert!(ended.stderr.contains("the test set stays closed: run"), "{}", ended.stderr);
}

#[test]
fn without_validation_images_in_common_the_test_set_is_named_and_decides_where_it_is_asked_for() {
    let place = Place::new();
    let (a, b) =
        (trained(&place, "--no-test --val-fraction 0"), trained(&place, "--no-test -lr 0.01 --val-fraction 0"));
    let ended = place.run(&format!("compare {a} {b}")).code(0);
    assert!(
        ended.stdout.contains("no validation images in common") && ended.stdout.contains("`--test` compares them"),
        "{}",
        ended.stdout
    );
    let event = &place.run(&format!("compare {a} {b} --test --json")).code(0).events()[0];
    assert!(event["verdict"].as_str().unwrap().ends_with("on the same 2,000 test images"), "{event}");
    assert_eq!(event["settled"], event["test"]["settled"]);
}

#[test]
fn groups_of_seeds_are_compared_in_words_and_a_picture() {
    let place = Place::new();
    for (group, flags) in [("mse", "-l mse"), ("ce", "-l cross_entropy -lr 0.01")] {
        for seed in 1..=3 {
            trained(&place, &format!("--no-test --group {group} --seed {seed} {flags}"));
        }
    }
    let event = &place.run("compare group:mse group:ce --json").code(0).events()[0];
    assert_eq!(
        (&event["validation"]["paired_by_seed"], &event["validation"]["a"]["seeds"]),
        (&json!(true), &json!([1, 2, 3]))
    );
    assert_eq!(event["settled"], true, "{event}");
    assert!(event["verdict"].as_str().unwrap().contains("over the same 3 seeds"));
    let ended = place.run("compare group:mse group:ce --plot g.svg").code(0);
    assert!(ended.stdout.contains("B is better by") && ended.stdout.contains("different units"), "{}", ended.stdout);
    assert!(std::fs::read_to_string(place.path("g.svg")).unwrap().contains("B is better by"));
    let one = &ids(&place, "group=ce")[0];
    let ended = place.run(&format!("compare group:mse {one}")).code(0);
    assert!(ended.stdout.contains("at least two finished runs"), "{}", ended.stdout);
    assert!(place.run("compare group:none group:ce").code(2).stderr.contains("groups: ce mse"));
}

#[test]
fn different_data_is_said_and_not_compared() {
    let place = Place::new();
    let run = trained(&place, "--no-test");
    place.add_run("otherset", "other", "mnist", None, None);
    let event = &place.run(&format!("compare {run} otherset --json")).code(0).events()[0];
    assert!(event["not_compared"].as_str().unwrap().contains("different data, `garments` and `mnist`"), "{event}");
    assert_eq!((&event["settled"], &event["test"]), (&Value::Null, &Value::Null));
}

#[test]
fn labels_are_added_removed_and_checked() {
    let place = Place::new();
    place.add_run("abcd1234", "first", "garments", None, None);
    let event = &place.run("tag abcd base x,y base --json").code(0).events()[0];
    assert_eq!(event["tags"], json!(["base", "x", "y"]));
    let ended = place.run("tag abcd --remove x,y --name second --note good").code(0);
    assert_eq!(ended.stdout, "abcd1234  second  #base\n  good\n");
    assert_eq!(ended.stderr, "  next:  handloom ls tag=base\n");
    assert_eq!(ids(&place, "tag=base second"), ["abcd1234"]);
    let event = &place.run("tag abcd --note= --json").code(0).events()[0];
    assert_eq!((&event["notes"], &event["name"]), (&Value::Null, &json!("second")));
    place.run("tag abcd --name=").code(2);
    place.run("tag abcd a\u{1b}[31m").code(2);
}

#[test]
fn a_run_is_removed_with_its_files_and_only_when_told() {
    let place = Place::new();
    let run = trained(&place, "");
    place.add_run("abcd1234", "second", "garments", None, None);
    let ended = place.run(&format!("rm {run}")).code(2);
    assert!(ended.stderr.contains(&run) && ended.stderr.contains("`--yes` removes without asking"), "{}", ended.stderr);
    place.run(&format!("rm {run} none --yes")).code(2);
    assert_eq!(ids(&place, "").len(), 2);
    let events = place.run(&format!("rm {run} {run} abcd --yes --json")).code(0).events();
    assert_eq!(events.len(), 2);
    assert!(ids(&place, "").is_empty() && !place.path(".handloom/runs").join(&run).exists());
    // Openings of the test set stay counted.
    assert_eq!(handloom_store::open(place.path(".handloom")).unwrap().openings().unwrap().len(), 1);
}

#[test]
fn a_running_run_is_not_removed() {
    let place = Place::new();
    let mut child = place.spawn("train -d garments -e 100000 -nhl 1 -sz 8 --json --no-test --threads 1");
    let mut byte = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    // A store that is busy learns of it a moment later.
    let event =
        std::iter::repeat_with(|| place.run("ls --json").code(0).events()).find_map(|events| events.into_iter().next());
    assert_eq!(event.unwrap()["status"], "running");
    assert!(place.run("ls").code(0).stdout.contains("/100000"));
    assert!(place.run("rm @last --yes").code(2).stderr.contains("is running"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(place.run("ls status=killed").code(0).stdout.contains("killed"));
    place.run("rm @last --yes").code(0);
}

#[test]
fn a_name_cannot_steer_the_terminal_and_survives_as_csv() {
    let place = Place::new();
    place.add_run("abcd1234", "<script>\u{1b}[2J\u{9b}31m\u{202e}試験\rx", "garments", None, None);
    place.add_run("abce5678", "a, \"b\"", "garments", None, None);
    let store = handloom_store::open(place.path(".handloom")).unwrap();
    let notes = |labels: &mut Labels| labels.notes = Some("=1+2\nsecond, \"line\"".into());
    store.relabel("abce5678", &notes).unwrap();
    let shown = "<script>�[2J�31m�試験�x";
    for line in ["ls", "show abcd1234", "tag abcd1234", "ls --columns name", "ls --columns name --color always"] {
        let ended = place.run(line).code(0);
        assert!(ended.stdout.contains(shown), "{line}: {:?}", ended.stdout);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        let plain = ended.stdout.replace("\u{1b}[2m", "").replace("\u{1b}[0m", "").replace("\u{1b}[1m", "");
        assert!(!plain.contains(steers), "{line}: {:?}", ended.stdout);
    }
    for line in ["show abc", "rm abcd"] {
        assert!(place.run(line).code(2).stderr.contains(shown), "{line}");
    }
    assert_eq!(place.run("ls --json abcd").events()[0]["name"], "<script>\u{1b}[2J\u{9b}31m\u{202e}試験\rx");
    let csv = place.run("ls --csv --columns run,name,notes --sort run").code(0).stdout;
    let expected =
        format!("run,name,notes\nabcd1234,{shown},\nabce5678,\"a, \"\"b\"\"\",\"'=1+2 second, \"\"line\"\"\"\n");
    assert_eq!(csv, expected);
    assert!(place.run("ls --csv").code(0).stdout.starts_with("run,name,status,dataset,epochs,"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    for n in 0..300 {
        place.add_run(&format!("run{n:05}"), &"a long name ".repeat(40), "garments", None, None);
    }
    for line in ["ls", "ls --json", "ls --csv"] {
        let mut child = place.spawn(line);
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{line}");
    }
}

/// `cargo test -p handloom --test it -- --ignored ten_thousand --nocapture` says how long `ls` takes. With
/// `HANDLOOM_BENCH_STORE=DIR` the store is made there and stays, for a release build to be timed with.
#[test]
#[ignore = "writes 300,000 epochs"]
#[expect(clippy::print_stderr, reason = "what it measures is for people")]
fn ten_thousand_runs() {
    let place = Place::new();
    let folder = std::env::var_os("HANDLOOM_BENCH_STORE").map_or_else(|| place.path("store"), Into::into);
    let store = handloom_store::open(&folder).unwrap();
    for n in 0..10_000_u64 {
        let mut config = Config { dataset: "garments".into(), seed: n, epochs: 30, ..Config::default() };
        config.learning_rate = Some(1e-4 * (1 + n % 97) as f64);
        let run = Run {
            id: format!("r{n:07}"),
            name: format!("hl_2_sz_512_bs_64_ac_gelu_op_adam_lr_{}", config.rate()),
            status: handloom_store::Status::Finished,
            started_ms: 1_760_000_000_000 + n * 60_000,
            ended_ms: Some(1_760_000_000_000 + n * 60_000 + 30_000),
            command: ["handloom", "train", "-d", "garments"].map(Into::into).to_vec(),
            version: "0.1.0".into(),
            isa: "avx512".into(),
            host: "bench".into(),
            dataset: "garments".into(),
            data_sha256: "46fcdbf822ba9db12ea705d414458a31f6cb6c22494472134a791c7eeb0af958".into(),
            config: config.to_map(),
            epochs: 30,
            best_epoch: Some(20),
            val_accuracy: Some(0.8 + (n * 7919 % 1000) as f64 / 1e4),
            test_accuracy: Some(0.8),
            ..Run::default()
        };
        store.put(&run).unwrap();
        let epochs = (1..=30).map(|epoch| Epoch {
            row: EpochMetrics {
                epoch,
                train_loss: 1.0 / epoch as f64,
                train_accuracy: 0.8,
                val_loss: Some(1.1 / epoch as f64),
                val_accuracy: Some(0.8),
                learning_rate: 1e-3,
                samples_per_second: 5e4,
                seconds: 1.0,
                val_seconds: 0.1,
            },
            evidence: EpochDiagnostics::default(),
        });
        store.log(&run.id, &epochs.collect::<Vec<_>>()).unwrap();
        let opening = TestSetAccess {
            run: Some(run.id),
            dataset: "garments".into(),
            by: "train".into(),
            ..TestSetAccess::default()
        };
        store.open_test(&opening).unwrap();
    }
    for line in ["ls", "ls --sort -val_accuracy --limit 20", "ls --json", "ls --csv", "show @best", "ls --plot a.png"] {
        let line = format!("{line} --store {}", folder.display());
        let start = Instant::now();
        let ended = place.run(&line).code(0);
        eprintln!("{:>6} ms  {:>9} bytes  {line}", start.elapsed().as_millis(), ended.stdout.len());
    }
}
