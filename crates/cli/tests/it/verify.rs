//! `verify` on reports that lie in one place, and on runs that did not come to their end.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Mutex;

use handloom_store::{Run, Status, open};
use serde_json::{Value, json};

use crate::support::{Ended, Place};

const SMALL: &str = "train -d ./tiny -e 2 -nhl 1 -sz 4 -b 16 -lr 0.01 --threads 1 --quiet --json";

/// Writes a data set of 180 images of 5 x 5 pixels in three classes, and 60 for the test, into `tiny`.
fn tiny(place: &Place) {
    fs::create_dir_all(place.path("tiny")).unwrap();
    for (part, count) in [("train", 180_u32), ("t10k", 60)] {
        let label = |i: u32| (i % 3) as u8;
        let pixel = |i: u32, p: u32| 70 * label(i) + ((i * 7 + p * 13 + i * p) % 90) as u8;
        let mut images = vec![0, 0, 8, 3];
        images.extend([count, 5, 5].into_iter().flat_map(u32::to_be_bytes));
        images.extend((0..count).flat_map(|i| (0..25).map(move |p| pixel(i, p))));
        let mut labels = vec![0, 0, 8, 1];
        labels.extend(count.to_be_bytes());
        labels.extend((0..count).map(label));
        fs::write(place.path(&format!("tiny/{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(place.path(&format!("tiny/{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

fn trained(place: &Place, flags: &str) -> String {
    let events = place.run(&format!("{SMALL} {flags}")).events();
    events.last().unwrap()["run"].as_str().unwrap().to_owned()
}

/// A sweep over two learning rates, of which one diverges, with trials that are given up; its id.
fn swept(place: &Place) -> String {
    let yaml = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nearly_terminate: {type: hyperband, min_iter: 1, eta: 2}\nparameters:\n  learning_rate: {values: [0.003, 1.0e30, 0.0001, 0.00001]}\n  seed: {values: [1, 2]}\n  epochs: {value: 3}\n  hidden_size: {value: 4}\n  num_layers: {value: 1}\n";
    fs::write(place.path("s.yaml"), yaml).unwrap();
    place.run("sweep s.yaml -d ./tiny --quiet --workers 1").code(0);
    place.run("sweep ls --json").code(0).events()[0]["sweep"].as_str().unwrap().to_owned()
}

fn verify(place: &Place, file: &str, flags: &str) -> Ended {
    place.run(&format!("verify {file} --json --threads 1 --data-dir tiny {flags}"))
}

fn done(Ended { stdout, .. }: Ended) -> Value {
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// Range of the content of an element, in bytes.
fn place_of(html: &str, id: &str) -> (usize, usize) {
    let opening = format!("<script type=\"application/json\" id=\"{id}\">");
    let from = html.find(&opening).unwrap() + opening.len();
    (from, from + html[from..].find("</script>").unwrap())
}

/// Every scalar below `value` with its pointer, by its pointer without the numbers of items and the ids of runs.
fn leaves(value: &Value, at: &str, shape: &str, found: &mut BTreeMap<String, Vec<String>>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    let same = |key: &str| {
        let parts = key.split(['/', '=', '&', '?']);
        let is_id = |part: &&str| part.len() != 8 || !part.bytes().any(|byte| byte.is_ascii_digit());
        parts.filter(is_id).filter(|part| part.parse::<u64>().is_err()).collect::<Vec<_>>().join(" ")
    };
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                leaves(value, &format!("{at}/{}", escaped(key)), &format!("{shape}/{}", same(key)), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{number}"), &format!("{shape}/#"), found);
            }
        }
        _ => found.entry(shape.into()).or_default().push(at.into()),
    }
}

/// Another value of the same kind.
fn changed(value: &Value) -> Value {
    match value {
        Value::Null => json!(1),
        Value::Bool(truth) => json!(!truth),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap();
            json!(if number == 0.0 { 0.5 } else { number * 1.001 })
        }
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => {
            let last = text.chars().last();
            let other = if last == Some('1') { '2' } else { '1' };
            let mut text: String = text.chars().take(text.chars().count().saturating_sub(1)).collect();
            text.push(other);
            json!(text)
        }
        _ => unreachable!("a scalar"),
    }
}

/// The report with one value of an element changed, for each shape of `id`'s values.
fn lies(html: &str, id: &str) -> Vec<(String, String)> {
    let (from, to) = place_of(html, id);
    let value: Value = serde_json::from_str(&html[from..to]).unwrap();
    let mut found = BTreeMap::new();
    leaves(&value, "", id, &mut found);
    let lie = |(shape, pointers): (String, Vec<String>)| {
        // The first in some places, the last in others.
        let pointer = &pointers[shape.len() % pointers.len()];
        let mut other = value.clone();
        let one = other.pointer_mut(pointer).unwrap();
        *one = changed(one);
        let text = other.to_string().replace('<', "\\u003c");
        (shape, format!("{}{text}{}", &html[..from], &html[to..]))
    };
    found.into_iter().map(lie).collect()
}

/// The shapes of those lies that `verify` does not find.
fn passed(place: &Place, lies: &[(String, String)], flags: &str) -> Vec<String> {
    let (passed, next) = (Mutex::new(Vec::new()), Mutex::new(0..lies.len()));
    let work = |worker: usize| {
        while let Some(at) = { next.lock().unwrap().next() } {
            let (shape, html) = &lies[at];
            let file = format!("lie{worker}.html");
            fs::write(place.path(&file), html).unwrap();
            let ended = verify(place, &file, flags);
            match ended.code {
                3 => assert!(ended.stderr.contains("error:"), "{shape}"),
                5 => assert_ne!(done(ended)["outcome"], "verified", "{shape}"),
                0 => passed.lock().unwrap().push(shape.clone()),
                other => panic!("{shape}: {other}\n{}{}", ended.stdout, ended.stderr),
            }
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let work = &work;
            scope.spawn(move || work(worker));
        }
    });
    let mut passed = passed.into_inner().unwrap();
    passed.sort();
    passed
}

/// Fields that may be changed alone, and are on the printed list: the program that wrote the file.
const FREE: [&str; 1] = ["provenance/build"];

#[test]
fn any_one_change_to_the_report_of_a_run_is_found() {
    let place = Place::new();
    tiny(&place);
    trained(&place, "--name x --tag y --notes z");
    place.run("report").code(0);
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    assert_eq!(done(verify(&place, "report.html", "").code(0))["outcome"], "verified");
    // Values of pages need no training to be compared, and every third kind of them is enough.
    let answers = lies(&html, "answers").into_iter().step_by(3);
    let mut lies: Vec<_> = lies(&html, "provenance").into_iter().chain(answers).collect();
    let first = html.find("<article class=\"page\">").unwrap();
    let within = |mark: &str, from: usize| from + html[from..].find(mark).unwrap() + mark.len();
    let cell = html[first..].find('%').unwrap() + first - 1;
    let script = html.rfind("<script>").unwrap();
    for (part, at) in [
        ("title", within("<title>", 0)),
        ("policy", within("'sha256-", 0)),
        ("style", within("<style>\n", 0) + 40),
        ("page text", cell),
        ("script", script - 2_000),
        ("plotly", script + 2_000),
        ("end", html.len() - 2),
    ] {
        let other = if html[at..].starts_with('7') { "8" } else { "7" };
        let size = html[at..].chars().next().unwrap().len_utf8();
        lies.push((part.into(), format!("{}{other}{}", &html[..at], &html[at + size..])));
    }
    // The commit is the author's word. Here is none, and there might be one.
    let commit = html.replacen("\"git_commit\":null", "\"git_commit\":\"e0e2\"", 1);
    fs::write(place.path("commit.html"), commit).unwrap();
    verify(&place, "commit.html", "").code(0);
    lies.push(("after the end".into(), format!("{html}<script>alert(1)</script>")));
    assert!(lies.len() >= 100, "{}", lies.len());
    assert_eq!(passed(&place, &lies, ""), FREE);
}

#[test]
fn any_one_change_to_the_report_of_a_sweep_is_found() {
    let place = Place::new();
    tiny(&place);
    let sweep = swept(&place);
    place.run(&format!("report {sweep}")).code(0);
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    let told = done(verify(&place, "report.html", "--all").code(0));
    assert_eq!((&told["outcome"], &told["verified"], &told["of"]), (&json!("verified"), &json!(8), &json!(8)));
    let one = done(verify(&place, "report.html", "").code(0));
    assert_eq!((&one["verified"], one["unchecked"].as_array().unwrap().len()), (&json!(1), 7));
    let statuses = place.run(&format!("sweep show {sweep} --json")).code(0).stdout;
    for status in ["finished", "pruned", "diverged"] {
        assert!(statuses.contains(&format!("\"status\":\"{status}\"")), "{status}: {statuses}");
    }
    let of_sweeps = |(shape, _): &(String, String)| shape.contains("sweeps");
    let mut lies: Vec<_> = self::lies(&html, "provenance").into_iter().filter(of_sweeps).collect();
    lies.extend(self::lies(&html, "answers").into_iter().filter(of_sweeps).step_by(3));
    assert!(lies.len() >= 30, "{}", lies.len());
    assert_eq!(passed(&place, &lies, "--all"), [""; 0]);
}

/// Changes the record of a run.
fn rewrite(place: &Place, id: &str, change: impl FnOnce(&mut Run)) {
    let store = open(place.path(".handloom")).unwrap();
    let mut run = store.run(id).unwrap().unwrap();
    change(&mut run);
    store.put(&run).unwrap();
}

#[test]
fn runs_that_were_ended_are_trained_to_their_end_and_killed_ones_are_unchecked() {
    let place = Place::new();
    tiny(&place);
    let stopped = trained(&place, "--seed 1 --no-test");
    // A run that is stopped after two of three epochs has the weights of one that ends there.
    rewrite(&place, &stopped, |run| {
        run.status = Status::Stopped;
        run.config["epochs"] = json!(3);
    });
    let diverged = trained(&place, "--seed 2 -lr 1e30");
    let killed = trained(&place, "--seed 3 --no-test");
    rewrite(&place, &killed, |run| run.status = Status::Killed);
    place.run(&format!("report {stopped} {diverged} {killed}")).code(0);
    let ended = verify(&place, "report.html", "").code(0);
    let told = done(ended);
    assert_eq!((&told["verified"], &told["of"], &told["unchecked"]), (&json!(2), &json!(3), &json!([killed])));
    let text = place.run("verify report.html --data-dir tiny").code(0).stdout;
    assert!(text.contains("verified: 2 of 3 runs\n") && text.contains("killed runs are not trained again"), "{text}");
    assert!(verify(&place, "report.html", &killed).code(3).stderr.contains("cannot be verified"));
    // Ended elsewhere than it says.
    rewrite(&place, &stopped, |run| run.status = Status::Finished);
    place.run(&format!("report {stopped} -o other.html")).code(0);
    assert_eq!(done(verify(&place, "other.html", "").code(5))["outcome"], "differs");
    rewrite(&place, &killed, |run| {
        run.status = Status::Diverged;
        run.epochs = 1;
    });
    place.run(&format!("report {killed} -o other.html")).code(0);
    assert_eq!(done(verify(&place, "other.html", "").code(5))["outcome"], "differs");
}

#[test]
fn a_packed_report_is_verified_and_a_lie_in_it_is_found() {
    let place = Place::new();
    tiny(&place);
    let id = trained(&place, "");
    let store = open(place.path(".handloom")).unwrap();
    let long: String =
        (0..500_000).map(|i| char::from(b'a' + (i % 26) as u8)).chain("   ".chars()).cycle().take(4_000_000).collect();
    store.relabel(&id, &|labels| labels.notes = Some(long.clone())).unwrap();
    place.run("report").code(0);
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    assert!(html.contains("<script type=\"application/gzip\" id=\"answers\">") && html.len() < 8_000_000);
    assert_eq!(done(verify(&place, "report.html", "").code(0))["outcome"], "verified");
    let at = html.find("id=\"answers\">").unwrap() + 4_000;
    let other = if html[at..].starts_with('A') { "B" } else { "A" };
    fs::write(place.path("lie.html"), format!("{}{other}{}", &html[..at], &html[at + 1..])).unwrap();
    assert!([3, 5].contains(&verify(&place, "lie.html", "").code));
}

#[test]
fn a_test_set_is_opened_for_its_figures_alone_and_counted() {
    let place = Place::new();
    tiny(&place);
    let (closed, opened) = (trained(&place, "--no-test"), trained(&place, "--seed 4"));
    place.run(&format!("report {closed} -o closed.html")).code(0);
    place.run(&format!("report {opened} -o opened.html")).code(0);
    let openings = |store: &str| open(place.path(store)).unwrap().openings().unwrap().len();
    let before = openings(".handloom");
    verify(&place, "closed.html", "").code(0);
    assert_eq!(openings(".handloom"), before);
    verify(&place, "opened.html", "").code(0);
    assert_eq!(openings(".handloom"), before + 1);
    verify(&place, "opened.html", "--store mine").code(0);
    assert_eq!((openings(".handloom"), openings("mine")), (before + 1, 1));
    // Without the test set its figures are unchecked, and all others are checked.
    fs::remove_file(place.path("tiny/t10k-images-idx3-ubyte")).unwrap();
    fs::remove_file(place.path("tiny/t10k-labels-idx1-ubyte")).unwrap();
    let told = done(verify(&place, "opened.html", "").code(0));
    assert_eq!((&told["outcome"], &told["untested"]), (&json!("verified"), &json!([opened])));
    let text = place.run("verify opened.html --data-dir tiny").code(0).stdout;
    assert!(text.contains("unchecked: figures about the test set, which is not at hand"), "{text}");
}

#[test]
fn a_strangers_file_opens_no_file_of_ours_and_nothing_that_has_no_end() {
    let place = Place::new();
    tiny(&place);
    let model = trained(&place, "--no-test");
    let model = format!(".handloom/runs/{model}/model.safetensors");
    let begun = trained(&place, &format!("--no-test --seed 5 --init-from {model}"));
    place.run(&format!("report {begun}")).code(0);
    let told = verify(&place, "report.html", "").code(3).stderr;
    assert!(told.contains("hint: name that file by `--init-from FILE`"), "{told}");
    assert_eq!(done(verify(&place, "report.html", &format!("--init-from {model}")).code(0))["outcome"], "verified");
    // The folder is there, but it is the file that names it.
    let told = place.run(&format!("verify report.html --init-from {model}")).code(3).stderr;
    assert!(told.contains("was not found") && told.contains("--data-dir"), "{told}");
    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    for (file, what) in [("pipe", "a pipe or a device"), ("/dev/zero", "a pipe or a device"), ("tiny", "a folder")] {
        assert!(verify(&place, file, "").code(3).stderr.contains(what), "{file}");
    }
}

#[test]
fn time_is_limited_and_what_was_not_reached_is_unchecked() {
    let place = Place::new();
    tiny(&place);
    let id = trained(&place, "--no-test");
    place.run("report").code(0);
    let told = done(verify(&place, "report.html", "--minutes 0.0000001").code(5));
    assert_eq!((&told["outcome"], &told["verified"]), (&json!("could not be checked bit for bit"), &json!(0)));
    assert_eq!(told["unchecked"], json!([id]));
    verify(&place, "report.html", "--minutes 0.0000001 --allow-accuracy").code(5);
    verify(&place, "report.html", "--minutes 0").code(2);
    // More epochs than anyone can train: no more are trained than the file has figures of, and one.
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    let endless = html.replace("\"epochs\":2", "\"epochs\":1000000000000");
    fs::write(place.path("endless.html"), endless).unwrap();
    let told = done(verify(&place, "endless.html", "--minutes 0.02").code(5));
    assert!(["differs", "could not be checked bit for bit"].contains(&told["outcome"].as_str().unwrap()), "{told}");
    let vast = html.replace("\"hidden_size\":4", "\"hidden_size\":4000000000");
    fs::write(place.path("vast.html"), vast).unwrap();
    verify(&place, "vast.html", "").code(3);
}

#[test]
fn reports_of_other_builds_are_neither_verified_nor_accused() {
    let place = Place::new();
    tiny(&place);
    trained(&place, "--no-test");
    place.run("report").code(0);
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    let (from, to) = place_of(&html, "provenance");
    let provenance: Value = serde_json::from_str(&html[from..to]).unwrap();
    let with = |provenance: &Value, html: &str| {
        let text = provenance.to_string().replace('<', "\\u003c");
        format!("{}{text}{}", &html[..from], &html[to..])
    };
    // Pages of other code.
    let mut other = provenance.clone();
    other["build"] = json!("0123456789ab");
    fs::write(place.path("other.html"), with(&other, &html).replace("<style>\n", "<style>\n/* other */\n")).unwrap();
    let told = done(verify(&place, "other.html", "").code(5));
    assert_eq!(told["outcome"], "could not be checked bit for bit");
    assert!(told["reasons"][0].as_str().unwrap().contains("another build made the pages (0123456789ab"), "{told}");
    verify(&place, "other.html", "--allow-accuracy").code(0);
    // Facts of training must agree whoever made the pages.
    other["runs"][0]["val_accuracy"] = json!(0.999);
    fs::write(place.path("other.html"), with(&other, &html)).unwrap();
    assert_eq!(done(verify(&place, "other.html", "--allow-accuracy").code(5))["outcome"], "differs");
    // Form 1, as the first version of the program wrote it.
    let made = &provenance["runs"][0];
    let names = [
        "id",
        "name",
        "status",
        "sweep",
        "version",
        "isa",
        "git_commit",
        "config",
        "seed",
        "dataset",
        "data_sha256",
        "test_sha256",
        "weights_sha256",
        "val_accuracy",
        "best_epoch",
        "epochs",
        "test_accuracy",
    ];
    let run: Value = names.iter().map(|name| ((*name).to_owned(), made[*name].clone())).collect();
    let mut old = json!({
        "v": 1, "version": "0.1.0", "isa": made["isa"], "git_commit": null, "runs": [run], "sweeps": [],
    });
    let write = |old: &Value| fs::write(place.path("old.html"), with(old, &html)).unwrap();
    write(&old);
    let told = done(verify(&place, "old.html", "").code(5));
    assert_eq!((&told["outcome"], &told["different"]), (&json!("could not be checked bit for bit"), &json!(0)));
    verify(&place, "old.html", "--allow-accuracy").code(0);
    for (name, lie) in
        [("test_accuracy", json!(0.9)), ("best_epoch", json!(1)), ("epochs", json!(1)), ("val_accuracy", json!(0.1))]
    {
        let honest = old["runs"][0][name].clone();
        if honest == lie {
            continue;
        }
        old["runs"][0][name] = lie;
        write(&old);
        let told = done(verify(&place, "old.html", "--allow-accuracy").code(5));
        assert_eq!(told["outcome"], "differs", "{name}");
        old["runs"][0][name] = honest;
    }
}
