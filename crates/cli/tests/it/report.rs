//! `report` and `verify`.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Ended, Place};

const SMALL: &str = "train -d garments -e 2 -nhl 1 -sz 8 --threads 1 --no-test --quiet";

fn trained(place: &Place, flags: &str) -> String {
    let events = place.run(&format!("{SMALL} --json {flags}")).code(0).events();
    events.last().unwrap()["run"].as_str().unwrap().to_owned()
}

/// The JSON of an element of a report.
fn element(html: &str, id: &str) -> Value {
    let opening = format!("<script type=\"application/json\" id=\"{id}\">");
    let text = html.split(&opening).nth(1).unwrap().split("</script>").next().unwrap();
    serde_json::from_str(text).unwrap()
}

/// Verifies `html`, written to a file of its own.
fn verify(place: &Place, html: &[u8]) -> Ended {
    fs::write(place.path("other.html"), html).unwrap();
    place.run("verify other.html --json --threads 2")
}

#[test]
fn a_report_is_verified_bit_for_bit_and_a_lie_is_found() {
    let place = Place::new();
    let run = trained(&place, "--seed 7");
    let ended = place.run("report --json").code(0);
    let event = &ended.events()[0];
    assert_eq!((&event["event"], &event["runs"], &event["left_out"]), (&json!("report"), &json!([run]), &json!([])));
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    assert!(html.len() < 8_000_000, "{} bytes", html.len());
    for outside in ["src=\"/", "href=\"/", "<link rel=\"stylesheet\""] {
        assert!(!html.contains(outside), "{outside}");
    }

    let provenance = element(&html, "provenance");
    let made = &provenance["runs"][0];
    assert_eq!((&made["id"], &made["seed"], &made["dataset"]), (&json!(run), &json!(7), &json!("garments")));
    let weights = made["weights_sha256"].as_str().unwrap();
    assert_eq!((weights.len(), made["data_sha256"].as_str().unwrap().len()), (64, 64));
    assert_eq!((&made["test_sha256"], &made["test_accuracy"]), (&Value::Null, &Value::Null));

    let answers = element(&html, "answers");
    for address in [
        "/api/project".to_owned(),
        "/api/runs".into(),
        format!("/api/runs/{run}"),
        format!("/api/runs/{run}/errors?set=validation"),
        "/api/curves?metric=val_accuracy".into(),
        "/api/data/garments".into(),
    ] {
        assert!(answers.get(&address).is_some_and(|answer| !answer.is_null()), "{address}");
    }
    let errors = &answers[&format!("/api/runs/{run}/errors?set=validation")];
    assert_eq!(errors["accuracy"], made["val_accuracy"]);
    let cells = answers.as_object().unwrap().keys().filter(|key| key.contains("/errors/cell?"));
    assert!(cells.count() > 3);
    assert!(answers.get(format!("/api/runs/{run}/errors?set=test")).is_none());
    assert!(place.run("ls --json").code(0).events()[0]["test_accuracy"].is_null());

    let events = verify(&place, html.as_bytes()).code(0).events();
    let event = &events[0];
    assert_eq!((&event["holds"], &event["checked"]), (&json!(true), &json!("weights")));
    assert!(event["verdict"].as_str().unwrap().starts_with("the same weights, bit for bit"), "{event}");
    let done = events.last().unwrap();
    assert_eq!((&done["event"], &done["outcome"], &done["verified"]), (&json!("done"), &json!("verified"), &json!(1)));
    assert_eq!((&done["of"], &done["unchecked"], &done["different"]), (&json!(1), &json!([]), &json!(0)));
    // The report itself says what nobody can check, in the words of the command.
    assert_eq!(
        (&answers["/api/report"]["author"], &answers["/api/report"]["uncheckable"]),
        (&done["author"], &done["uncheckable"])
    );
    let told = place.run(&format!("verify report.html {run}")).code(0).stdout;
    assert!(told.starts_with("verified") && told.contains("bit for bit"), "{told}");
    for line in ["verified: 1 of 1 run\n", "the author's words, not checked: ids, names", "not checkable: times"] {
        assert!(told.contains(line), "{line}: {told}");
    }

    let digit = if weights.starts_with('0') { "1" } else { "0" };
    let other = html.replace(weights, &format!("{digit}{}", &weights[1..]));
    let event = &verify(&place, other.as_bytes()).code(5).events()[0];
    assert_eq!((&event["holds"], &event["checked"]), (&json!(false), &json!("weights")));
    // Results of another processor are compared by accuracy, and the outcome says so.
    let isa = if made["isa"] == "baseline" { "avx512" } else { "baseline" };
    let (from, to) = (format!("\"isa\":{}", made["isa"]), format!("\"isa\":\"{isa}\""));
    let elsewhere = other.replace(&from, &to).replace("\"arch\":\"aarch64\"", "\"arch\":\"x86_64\"");
    let events = verify(&place, elsewhere.as_bytes()).code(5).events();
    assert_eq!((&events[0]["holds"], &events[0]["checked"]), (&json!(true), &json!("accuracy")));
    assert_eq!(events[1]["outcome"], "could not be checked bit for bit");
    place.run("verify other.html --allow-accuracy").code(0);
    let nowhere = other.replace(&from, "\"isa\":\"neon\"");
    assert!(verify(&place, nowhere.as_bytes()).code(3).stderr.contains("`neon`, which does not exist"));
    let better = html.replace(&format!("\"val_accuracy\":{}", made["val_accuracy"]), "\"val_accuracy\":0.999");
    assert!(verify(&place, better.as_bytes()).code(5).stdout.contains("the same weights, but"));

    // Nothing of this is in the store.
    assert_eq!(place.run("ls --json").code(0).events().len(), 1);
    let data = html.replace(made["data_sha256"].as_str().unwrap(), &"0".repeat(64));
    assert!(verify(&place, data.as_bytes()).code(3).stderr.contains("is not the data"));
    place.run("verify report.html nobody").code(2);
    place.run("verify nothing.html").code(3);
}

#[test]
fn a_damaged_report_is_refused_wherever_it_is_damaged() {
    let place = Place::new();
    trained(&place, "");
    place.run("report -o r.html").code(0);
    let html = fs::read(place.path("r.html")).unwrap();
    let mark = html.windows(15).position(|part| part == b"id=\"provenance\"").unwrap();
    let ends = [0, 1, 100, mark, mark + 17, mark + 40, mark + 500, html.len() / 2, html.len() - 20];
    for end in ends {
        let told = verify(&place, &html[..end]).code(3).stderr;
        assert!(told.contains("is not a report that can be verified"), "{end}: {told}");
    }
    for (from, to) in [("\"v\":2", "\"v\":3"), ("\"runs\":[{", "\"runs\":[["), ("\"seed\":1", "\"seed\":-1")] {
        let text = String::from_utf8(html.clone()).unwrap();
        let (before, after) = text.split_at(mark);
        verify(&place, format!("{before}{}", after.replacen(from, to, 1)).as_bytes()).code(3);
    }
    verify(&place, b"<html>hello</html>").code(3);
    place.run("report nobody").code(2);
    place.run("report -o .").code(2);
}

#[test]
fn a_name_that_is_markup_is_inert() {
    let place = Place::new();
    let evil = "</script><script>alert(1)</script><!--";
    let words = [SMALL.split(' ').collect::<Vec<_>>(), vec!["--name", evil, "--notes", evil]].concat();
    place.run_words(&words, &[]).code(0);
    place.run("report").code(0);
    let html = fs::read_to_string(place.path("report.html")).unwrap();
    assert!(!html.contains("<script>alert"));
    // The page's own: its origin, its answers, our modules, Plotly.
    assert_eq!((html.matches("<script").count(), html.matches("</script").count()), (4, 4));
    assert_eq!(element(&html, "provenance")["runs"][0]["name"], evil);
    let event = &verify(&place, html.as_bytes()).code(0).events()[0];
    assert_eq!((&event["name"], &event["holds"]), (&json!(evil), &json!(true)));
}

#[test]
fn two_runs_are_compared_and_the_best_trial_of_a_sweep_is_verified() {
    let place = Place::new();
    let (a, b) = (trained(&place, "--seed 1"), trained(&place, "--seed 2"));
    place.run(&format!("report {a} {b} -o two.html")).code(0);
    let answers = element(&fs::read_to_string(place.path("two.html")).unwrap(), "answers");
    let compared = &answers[&format!("/api/compare?a={a}&b={b}")];
    assert_eq!((&compared["paired"]["set"], &compared["settings"][0]["name"]), (&json!("validation"), &json!("seed")));
    assert_eq!((&compared["a"]["seeds"]["runs"], &compared["why_not"]), (&json!([a, b]), &Value::Null));
    let fixes = compared["fixes"]["count"].as_u64().unwrap();
    assert_eq!(compared["paired"]["only_b"], json!(fixes));

    let yaml = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nparameters:\n  learning_rate: {values: [0.001, 0.003]}\n  epochs: {value: 1}\n  hidden_size: {value: 8}\n";
    fs::write(place.path("s.yaml"), yaml).unwrap();
    place.run("sweep s.yaml -d garments --quiet --workers 1").code(0);
    let sweep = place.run("sweep ls --json").code(0).events()[0]["sweep"].as_str().unwrap().to_owned();
    place.run(&format!("report {sweep} -o sweep.html")).code(0);
    let html = fs::read_to_string(place.path("sweep.html")).unwrap();
    let provenance = element(&html, "provenance");
    assert_eq!(provenance["runs"].as_array().unwrap().len(), 2);
    assert_eq!((&provenance["sweeps"][0]["id"], &provenance["sweeps"][0]["yaml"]), (&json!(sweep), &json!(yaml)));
    let events = verify(&place, html.as_bytes()).code(0).events();
    assert_eq!(events.len(), 2, "{events:?}");
    let winner = &provenance["sweeps"][0]["winner"];
    assert_eq!(&events[0]["run"], winner);
    let ids = provenance["runs"].as_array().unwrap().iter().map(|made| &made["id"]);
    assert_eq!(events[1]["unchecked"], json!(ids.filter(|id| *id != winner).collect::<Vec<_>>()));
    let told = place.run("verify sweep.html").code(0).stdout;
    assert!(told.contains("verified: 1 of 2 trials\n") && told.contains("unchecked: 1 run"), "{told}");
    let events = place.run("verify sweep.html --all --json").code(0).events();
    assert_eq!((events.len(), &events[2]["unchecked"], &events[2]["verified"]), (3, &json!([]), &json!(2)));
}
